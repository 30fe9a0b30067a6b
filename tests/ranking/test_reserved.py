"""Room for new items among the discoveries that a row keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.models.content import ContentModel, OwnTaste
from recommender.models.opinions import Common
from recommender.ranking.blend import Blend
from recommender.ranking.build import recommend
from recommender.ranking.candidates import Candidates
from recommender.ranking.reserved import Reserved, among_best
from tests.ranking.tables import table_of


def kept(rows, new, *, share=0.5, length=2, bought=None):
    is_new = np.isin(np.arange(20), new)
    table = table_of(rows, bought)
    found = table.keep(Reserved(is_new, share).kept(table, length))
    return [row.items.tolist() for row in found]


def test_the_best_new_item_takes_the_place_of_the_last_of_the_others():
    assert kept([[1, 2, 3, 9, 8]], [8, 9]) == [[1, 9]]


def test_new_items_that_stand_high_enough_take_nobodys_place():
    assert kept([[9, 8, 1, 2]], [8, 9]) == [[9, 8]]


def test_without_new_items_or_without_a_share_the_best_are_kept():
    assert kept([[1, 2, 3]], []) == kept([[1, 2, 9]], [9], share=0.0) == [[1, 2]]


def test_what_was_bought_before_is_not_new_and_is_not_counted():
    assert kept([[9, 1, 2, 8]], [8, 9], bought=[[True, False, False, False]]) == [[1, 8]]


@pytest.mark.parametrize("n", [1, np.array([1, 1, 1])])
def test_the_best_of_a_kind_are_counted_row_by_row(n):
    table = table_of([[1, 2], [], [3, 4]])
    assert among_best(table, np.array([False, True, True, True]), n).tolist() == [False, True, True, False]


def candidates(item, *, row, bought=None):
    return Candidates(
        n_customers=2,
        row=np.array(row, np.int32),
        item=np.array(item, np.int32),
        scores=np.ones((len(item), 1), np.float32),
        bought=np.array(bought or [False] * len(item), bool),
        models=("als",),
    )


def taste(row, item, opinion):
    """Two customers' opinions of 20 items, written down."""
    told = np.zeros((20, 2), np.float32)
    told[item, row] = opinion
    model = ContentModel(np.eye(2, dtype=np.float32), np.ones(20, bool), told, np.float32(1))
    return OwnTaste(model, np.zeros(2))


def exchanged(scores, *, new, item, opinion=None, row=None, bought=None):
    row = row or [0] * len(item)
    reserved = Reserved(
        np.isin(np.arange(20), new), 0.1, None if opinion is None else taste(row, item, opinion)
    )
    pairs = candidates(item, row=row, bought=bought)
    return reserved.exchanged(np.array([0, 1], np.int32), pairs, np.array(scores, np.float32)).tolist()


def test_new_items_hand_on_their_scores_best_to_best_by_own_taste():
    # Items 1, 2 and 3 are new; of .5, .3 and .1 the best goes to 3, which suits the customer best.
    found = exchanged([0.9, 0.5, 0.3, 0.1], new=[1, 2, 3], item=[0, 1, 2, 3], opinion=[0, 0.2, 0.1, 0.8])
    assert found == pytest.approx([0.9, 0.3, 0.1, 0.5])


def test_scores_are_not_handed_on_to_another_customer_nor_by_what_was_bought_before():
    of_two = {"item": [1, 2, 1, 2], "opinion": [0.1, 0.9, 0.1, 0.9], "row": [0, 0, 1, 1]}
    assert exchanged([4, 3, 2, 1], new=[1, 2], **of_two) == [3, 4, 1, 2]
    assert exchanged([4, 3, 2, 1], new=[1, 2], bought=[True, False] * 2, **of_two) == [4, 3, 2, 1]


def test_where_taste_has_no_opinion_the_ranker_decides():
    assert exchanged([1, 3, 2], new=[0, 1, 2], item=[0, 1, 2], opinion=[0, 0, 0]) == [1, 3, 2]
    assert exchanged([2, 1], new=[0, 1], item=[0, 1]) == [2, 1]


@pytest.mark.parametrize("asked_for", [[0, 1, 2, 3, 4, 5], [4, 1], [2]])
def test_lists_of_different_tastes_hold_different_new_items(asked_for):
    # Items 0 to 2 sell; 3 is new and much to everybody's taste, 4 and 5 are new and for a half each.
    factors = np.array([[1, 1, 0]] * 3 + [[1, 0, 1]] * 3, np.float32)
    told = np.array([[9, 0, 0], [1, 1, 0], [1, 0, 1]], np.float32)
    content = ContentModel(factors, np.arange(6) >= 3, told, np.float32(1))
    lists = recommend(
        {"als": Sold(), "content": content},
        Blend(),
        np.array(asked_for, np.int32),
        bought=csr_array((6, 6)),
        eligible=np.ones(6, bool),
        length=2,
        reserved=Reserved(content.newcomers, 0.5, OwnTaste.of(content)),
    )
    assert [row.items.tolist() for row in lists] == [[0, 4] if n < 3 else [0, 5] for n in asked_for]


class Sold:
    """Knows of the first three items only, the first being the best."""

    @property
    def opinion(self):
        return Common(np.array([3, 2, 1, 0, 0, 0], np.float32))


@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), max_size=12),
    st.sets(st.integers(0, 11)),
)
def test_handing_on_changes_whose_scores_they_are_and_nothing_else(pairs, new):
    scores, opinion = [score for score, _ in pairs], [said for _, said in pairs]
    found = exchanged(scores, new=[*new], item=[*range(len(pairs))], opinion=opinion)
    assert sorted(found) == sorted(scores)
    assert all(found[at] == scores[at] for at in range(len(pairs)) if at not in new)


rows = st.lists(st.lists(st.integers(0, 19), unique=True, max_size=12), min_size=1, max_size=4)


@given(rows, st.sets(st.integers(0, 19)), st.floats(0, 1), st.integers(0, 8))
def test_rows_are_as_long_as_without_new_items_and_hold_as_many_of_them_as_there_is_room_for(
    lists, new, share, length
):
    for before, after in zip(lists, kept(lists, [*new], share=share, length=length), strict=True):
        assert len(after) == min(length, len(before))
        assert after == [item for item in before if item in after]
        news = [item for item in before if item in new]
        assert [item for item in after if item in new][: round(share * length)] == news[
            : round(share * length)
        ]
