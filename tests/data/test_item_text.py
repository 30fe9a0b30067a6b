"""What items have in common by what is said of them."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.data.catalog import Catalog
from recommender.data.item_text import item_terms, item_words
from recommender.data.vocabulary import Vocabulary

TITLES = ("Green tea", "Green tea pot", "Teapots", "Claw hammer", "Hammer drill", None)


def terms(titles=TITLES, *, seen=None, **said):
    catalog = Catalog.unknown(Vocabulary(tuple(f"item-{n}" for n in range(len(titles)))))
    catalog = replace(catalog, title=titles, **said)
    return item_terms(catalog, np.ones(len(titles), bool) if seen is None else np.array(seen))


def likeness(features):
    return (features @ features.T).toarray()


def test_items_with_words_in_common_are_alike():
    alike = likeness(terms())
    assert alike[0, 1] > alike[0, 3] == 0
    assert alike[3, 4] > 0


def test_a_compound_and_its_parts_have_pieces_in_common():
    assert likeness(terms(("Teapot blue", "Teapots", "Hammers", "Hammer")))[0, 1] > 0


def test_an_item_of_which_nothing_is_said_has_no_terms():
    assert terms()[[5], :].nnz == 0


def test_every_kind_of_term_has_the_same_length():
    facts = {"category": ("tea", "tea", "tea", "diy", "diy", None)}
    squared = terms(**facts).power(2).sum(axis=1)
    # Words, pieces and one fact; 'Teapots' has no whole word in common with the others.
    assert squared == pytest.approx([3, 3, 2, 3, 3, 0], abs=1e-5)


def test_a_value_is_a_fact_of_its_own_column():
    same_word = {"category": ("red", "red", None), "attributes": {"colour": (None, None, "red")}}
    alike = likeness(terms((None, None, None), **same_word))
    assert alike[0, 1] == pytest.approx(1)
    assert alike[0, 2] == 0


def test_attributes_that_are_sentences_are_read_as_texts():
    description = ("a pot that pours well", "this one pours very well", "drives nails into any wall")
    alike = likeness(terms((None, None, None), attributes={"description": description}))
    assert alike[0, 1] > alike[0, 2]


def test_terms_of_fewer_than_two_items_that_may_teach_are_left_out():
    of_all = terms(("Green tea", "Green soap", "Blue soap", "Blue tea"))
    of_some = terms(("Green tea", "Green soap", "Blue soap", "Blue tea"), seen=[True, True, False, False])
    assert of_some.shape[1] < of_all.shape[1]
    assert of_some[[3], :].nnz == 0  # neither 'blue' nor 'tea' is said of two of the first ones
    assert of_some[[1], :].nnz > 0


@pytest.mark.parametrize("titles", [(), ("Tea",), (None, None), ("Tea", "Soap"), ("", "–")])
def test_texts_with_nothing_in_common_have_no_terms(titles):
    found = terms(titles)
    assert found.shape[0] == len(titles)
    assert found.nnz == 0
    assert found.dtype == np.float32


def test_words_are_of_letters_alone_and_of_two_items_at_least():
    titles = ("Tea 250g", "Green tea", "Soap 250g")
    words = item_words(replace(Catalog.unknown(Vocabulary(("a", "b", "c"))), title=titles))
    assert (
        words.shape[1] == 1
    )  # "tea"; a size says nothing of what a thing is, and one item's word of no other
    assert words.toarray().ravel().tolist() == [1, 1, 0]
