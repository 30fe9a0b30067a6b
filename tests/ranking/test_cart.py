import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.cart import NOTHING, OWN_HALVING, OWN_WEIGHT, list_for_cart
from recommender.ranking.lists import RecommendationList


def ranked(scores: dict[int, float], source: int = 3, bought: tuple[int, ...] = ()) -> RecommendationList:
    order = sorted(scores, key=lambda item: (-scores[item], item))
    return RecommendationList(
        np.array(order, np.int32),
        np.array([scores[item] for item in order], np.float32),
        np.full(len(order), source, np.uint8),
        np.isin(order, bought),
    )


def by_item(found: RecommendationList, column: str) -> dict[int, object]:
    return dict(zip(found.items.tolist(), getattr(found, column).tolist(), strict=True))


LISTS = st.lists(
    st.dictionaries(st.integers(0, 30), st.integers(1, 100).map(float), min_size=1), min_size=1, max_size=8
)


def test_scores_of_the_carts_items_are_added_and_ties_go_to_the_lower_position():
    found = list_for_cart([ranked({7: 2, 3: 1}), ranked({3: 1, 5: 1})])
    assert found.items.tolist() == [3, 7, 5]
    assert found.scores.tolist() == [2, 2, 1]


def test_an_item_keeps_the_source_of_the_first_list_that_has_it():
    found = list_for_cart([ranked({1: 1}, source=3), ranked({1: 9, 2: 1}, source=4)], ranked({2: 1, 5: 1}, 0))
    assert by_item(found, "sources") == {1: 3, 2: 4, 5: 0}


def test_what_the_customer_bought_is_marked_wherever_it_was_proposed():
    found = list_for_cart([ranked({1: 1, 2: 1})], ranked({2: 1, 5: 1}, bought=(2,)))
    assert by_item(found, "bought") == {1: False, 2: True, 5: False}


def test_the_customers_places_are_added_to_the_scaled_scores_of_the_cart():
    found = list_for_cart([ranked({1: 8, 2: 4})], ranked({3: 0.08, 2: 0.04}))
    assert found.items.tolist() == [2, 3, 1]
    expected = {1: 1.0, 2: 0.5 + OWN_WEIGHT * OWN_HALVING / (OWN_HALVING + 1), 3: OWN_WEIGHT}
    assert by_item(found, "scores") == pytest.approx(expected)


def test_a_place_as_far_down_as_the_halving_counts_half():
    own = ranked({item: 100.0 - item for item in range(10)})
    scores = by_item(list_for_cart([ranked({99: 1})], own), "scores")
    assert scores[OWN_HALVING] == pytest.approx(OWN_WEIGHT / 2)


@given(LISTS)
def test_a_guests_list_holds_every_item_once_with_the_sum_of_its_scores(lists):
    found = list_for_cart([ranked(scores) for scores in lists])
    expected = {item: sum(scores.get(item, 0) for scores in lists) for scores in lists for item in scores}
    assert by_item(found, "scores") == expected
    assert (np.diff(found.scores) <= 0).all()


@given(LISTS)
def test_the_order_of_the_carts_items_does_not_matter(lists):
    own = ranked(lists[0])
    one, other = (list_for_cart([ranked(s) for s in some], own) for some in (lists, lists[::-1]))
    assert one.items.tolist() == other.items.tolist()


@given(LISTS, st.sampled_from([1e-4, 1.0, 512.0]))
def test_the_scale_of_the_customers_scores_does_not_matter(lists, factor):
    carts = [ranked(scores) for scores in lists[1:] or lists]
    plain = list_for_cart(carts, ranked(lists[0]))
    scaled = list_for_cart(carts, ranked({item: score * factor for item, score in lists[0].items()}))
    assert by_item(plain, "scores") == by_item(scaled, "scores")


def test_a_known_customer_adds_wishes_and_a_guest_none():
    carts = [ranked({1: 2, 2: 1})]
    assert list_for_cart(carts).items.tolist() == list_for_cart(carts, NOTHING).items.tolist() == [1, 2]
    assert set(list_for_cart(carts, ranked({9: 1})).items.tolist()) == {1, 2, 9}


def test_lists_without_places_give_what_is_left():
    assert len(list_for_cart([NOTHING])) == 0
    assert list_for_cart([NOTHING], ranked({4: 1, 5: 2})).items.tolist() == [5, 4]
