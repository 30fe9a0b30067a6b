"""A list of what goes with the items just looked at."""

import numpy as np
import pytest

from recommender.ranking.cart import NOTHING, CustomerLists
from recommender.ranking.lists import RecommendationList
from recommender.ranking.session import OF_CART, OF_ORDERS, OF_OWN, VIEWS_HALVING, Viewed, list_for_session

TEA, MILK, SAW = 1, 2, 3


def ranked(**scores: float) -> RecommendationList:
    """A list of the items named, best first."""
    items = [globals()[name.upper()] for name in scores]
    nothing = np.zeros(len(items), np.uint8)
    return RecommendationList(
        np.array(items, np.int32), np.array([*scores.values()], np.float32), nothing, nothing > 0
    )


def scores_of(found: RecommendationList) -> dict[int, float]:
    return dict(zip(found.items.tolist(), found.scores.tolist(), strict=True))


def test_of_what_nobody_knows_nothing_is_shown():
    assert len(list_for_session([], NOTHING, CustomerLists(ranked(tea=1)))) == 0
    assert len(list_for_session([Viewed(SAW)], ranked(tea=1), CustomerLists(ranked(tea=1)))) == 0


def test_what_is_alike_and_what_is_bought_together_count_the_same():
    found = list_for_session([Viewed(SAW, ranked(tea=7), ranked(milk=0.2))], NOTHING)
    assert scores_of(found) == {TEA: 1, MILK: 1}


def test_of_two_views_the_newer_one_counts_more():
    views = [Viewed(9, ranked(saw=5)), Viewed(8, ranked(tea=3))]
    found = list_for_session(views, NOTHING)
    assert scores_of(found) == pytest.approx({TEA: 1, SAW: 2 ** (-1 / VIEWS_HALVING)})


def test_the_cart_and_the_own_list_are_added():
    found = list_for_session(
        [Viewed(9, ranked(tea=3))], ranked(milk=9, saw=4.5), CustomerLists(ranked(saw=1, tea=0.5))
    )
    assert scores_of(found)[MILK] == pytest.approx(OF_CART)
    assert scores_of(found)[SAW] == pytest.approx(OF_CART / 2 + OF_OWN)


def test_what_the_customer_ordered_with_the_items_looked_at_counts():
    # One past order of milk and saw: the scores number the orders.
    orders = ranked(milk=1, saw=1)
    found = list_for_session([Viewed(SAW, ranked(tea=3))], NOTHING, CustomerLists(NOTHING, orders))
    assert scores_of(found)[MILK] == pytest.approx(OF_ORDERS)
    elsewhere = list_for_session([Viewed(9, ranked(tea=3))], NOTHING, CustomerLists(NOTHING, orders))
    assert MILK not in scores_of(elsewhere)
