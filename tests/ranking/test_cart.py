import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking.cart import (
    CART_POWER,
    NOTHING,
    ORDERS_HALVING,
    ORDERS_WEIGHT,
    OWN_HALVING,
    OWN_WEIGHT,
    REPEATS_SHRINKAGE,
    REPEATS_WEIGHT,
    CustomerLists,
    list_for_cart,
    merged,
)
from recommender.ranking.lists import RecommendationList

TEA, MILK, JAM, NAILS, SAW = range(5)
EMPTY = np.zeros(0, np.int32)


def ranked(scores: dict[int, float], source: int = 3, bought: tuple[int, ...] = ()) -> RecommendationList:
    order = sorted(scores, key=lambda item: (-scores[item], item))
    return RecommendationList(
        np.array(order, np.int32),
        np.array([scores[item] for item in order], np.float32),
        np.full(len(order), source, np.uint8),
        np.isin(order, bought),
    )


def orders_of(*orders: set[int]) -> RecommendationList:
    """Past orders as they are stored, the newest first."""
    places = [(item, len(orders) - n) for n, order in enumerate(orders) for item in sorted(order)]
    return RecommendationList(
        np.array([item for item, _ in places], np.int32),
        np.array([number for _, number in places], np.float32),
        np.full(len(places), 4, np.uint8),
        np.ones(len(places), bool),
    )


def filled(*together, own=NOTHING, orders=NOTHING, cart=()) -> RecommendationList:
    return list_for_cart(np.array(cart, np.int32), list(together), CustomerLists(own, orders))


def by_item(found: RecommendationList, column: str = "scores") -> dict[int, object]:
    return dict(zip(found.items.tolist(), getattr(found, column).tolist(), strict=True))


LISTS = st.lists(
    st.dictionaries(st.integers(0, 30), st.integers(1, 100).map(float), min_size=1), min_size=1, max_size=8
)


def test_scores_of_the_carts_items_are_added_and_ties_go_to_the_lower_position():
    found = filled(ranked({7: 2, 3: 1}), ranked({3: 1, 5: 1}))
    assert found.items.tolist() == [3, 7, 5]
    assert found.scores.tolist() == [2, 2, 1]


def test_an_item_keeps_the_source_of_the_first_list_that_has_it():
    found = filled(ranked({1: 1}, source=3), ranked({1: 9, 2: 1}, source=4), own=ranked({2: 1, 5: 1}, 0))
    assert by_item(found, "sources") == {1: 3, 2: 4, 5: 0}


def test_what_the_customer_bought_is_marked_wherever_it_was_proposed():
    found = filled(ranked({1: 1, 2: 1}), own=ranked({2: 1, 5: 1}, bought=(2,)))
    assert by_item(found, "bought") == {1: False, 2: True, 5: False}
    found = filled(ranked({MILK: 1, JAM: 1}), orders=orders_of({TEA, MILK}), cart=[TEA])
    assert by_item(found, "bought") == {TEA: True, MILK: True, JAM: False}


def test_the_customers_places_are_added_to_the_scaled_scores_of_the_cart():
    found = filled(ranked({1: 8, 2: 4}), own=ranked({3: 0.08, 2: 0.04}))
    assert found.items.tolist() == [1, 2, 3]
    second = 0.5**CART_POWER + OWN_WEIGHT * OWN_HALVING / (OWN_HALVING + 1)
    assert by_item(found) == pytest.approx({1: 1.0, 2: second, 3: OWN_WEIGHT})


def test_a_place_as_far_down_as_the_halving_counts_half():
    own = ranked({item: 100.0 - item for item in range(10)})
    assert by_item(filled(ranked({99: 1}), own=own))[OWN_HALVING] == pytest.approx(OWN_WEIGHT / 2)


def test_past_orders_add_what_stood_beside_the_carts_items():
    # Of the newest order nothing is in the cart; of the two before it one item and two items are.
    orders = orders_of({NAILS}, {TEA, MILK}, {TEA, JAM, SAW, MILK})
    found = by_item(filled(orders=orders, cart=[TEA, JAM]))
    older, oldest = (2 ** (-n / ORDERS_HALVING) for n in (1, 2))
    by_hand = {
        TEA: older / np.sqrt(2) + 2 * oldest / 2,
        MILK: older / np.sqrt(2) + 2 * oldest / 2,
        JAM: 2 * oldest / 2,
        SAW: 2 * oldest / 2,
    }
    assert found == pytest.approx(
        {item: ORDERS_WEIGHT * score / by_hand[TEA] for item, score in by_hand.items()}
    )


def test_the_own_list_of_who_buys_the_same_again_counts_more():
    own, often, never = ranked({NAILS: 1}), orders_of({SAW}, {SAW}, {SAW}), orders_of({SAW}, {TEA}, {MILK})
    again = by_item(filled(ranked({JAM: 1}), own=own, orders=often))[NAILS]
    anew = by_item(filled(ranked({JAM: 1}), own=own, orders=never))[NAILS]
    assert anew == pytest.approx(OWN_WEIGHT)
    assert again == pytest.approx(OWN_WEIGHT + REPEATS_WEIGHT * 2 / (3 + REPEATS_SHRINKAGE))


def test_orders_that_share_nothing_with_the_cart_say_nothing():
    assert len(filled(orders=orders_of({NAILS}, {SAW}), cart=[TEA])) == 0


@given(LISTS)
def test_a_guests_list_holds_every_item_once_with_the_sum_of_its_scores(lists):
    found = filled(*(ranked(scores) for scores in lists))
    expected = {item: sum(scores.get(item, 0) for scores in lists) for scores in lists for item in scores}
    assert by_item(found) == expected
    assert (np.diff(found.scores) <= 0).all()


@given(LISTS, st.lists(st.sets(st.integers(0, 30), min_size=1), max_size=5))
def test_the_order_of_the_carts_items_does_not_matter(lists, orders):
    known = {"own": ranked(lists[0]), "orders": orders_of(*orders), "cart": list(lists[-1])}
    one, other = (filled(*map(ranked, some), **known) for some in (lists, lists[::-1]))
    assert one.items.tolist() == other.items.tolist()


@given(LISTS, st.lists(st.sets(st.integers(0, 30), min_size=1), max_size=5))
def test_no_item_is_there_twice_and_none_is_left_out(lists, orders):
    cart = list(lists[0])
    found = filled(*map(ranked, lists[1:]), own=ranked(lists[0]), orders=orders_of(*orders), cart=cart)
    beside = [order for order in orders if order & set(cart)]
    assert sorted(found.items.tolist()) == sorted({item for some in (*lists, *beside) for item in some})
    assert (np.diff(found.scores) <= 0).all()


@given(LISTS, st.sampled_from([1e-4, 1.0, 512.0]))
def test_the_scale_of_the_customers_scores_does_not_matter(lists, factor):
    carts = [ranked(scores) for scores in lists[1:] or lists]
    plain = filled(*carts, own=ranked(lists[0]))
    scaled = filled(*carts, own=ranked({item: score * factor for item, score in lists[0].items()}))
    assert by_item(plain) == by_item(scaled)


def test_a_known_customer_adds_wishes_and_a_guest_none():
    together = ranked({1: 2, 2: 1})
    assert list_for_cart(EMPTY, [together]).items.tolist() == filled(together).items.tolist() == [1, 2]
    assert set(filled(together, own=ranked({9: 1})).items.tolist()) == {1, 2, 9}


def test_similar_items_of_several_items_are_merged_by_the_sum_of_their_scores():
    found = merged([ranked({MILK: 2, JAM: 1}, source=1), ranked({JAM: 3}, source=2)])
    assert (by_item(found), by_item(found, "sources")) == ({JAM: 4, MILK: 2}, {JAM: 1, MILK: 1})
    assert len(merged([])) == 0


def test_lists_without_places_give_what_is_left():
    assert len(list_for_cart(EMPTY, [])) == len(filled(NOTHING)) == 0
    assert filled(NOTHING, own=ranked({4: 1, 5: 2})).items.tolist() == [5, 4]
