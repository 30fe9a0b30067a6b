"""A list of what goes with the items just looked at."""

import numpy as np
import pytest

from recommender.ranking.cart import NOTHING
from recommender.ranking.lists import RecommendationList
from recommender.ranking.session import OF_CART, OF_OWN, VIEWS_HALVING, Viewed, list_for_session

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
    assert len(list_for_session([], NOTHING, ranked(tea=1))) == 0
    assert len(list_for_session([Viewed()], ranked(tea=1), ranked(tea=1))) == 0


def test_what_is_alike_and_what_is_bought_together_count_the_same():
    found = list_for_session([Viewed(ranked(tea=7), ranked(milk=0.2))], NOTHING, NOTHING)
    assert scores_of(found) == {TEA: 1, MILK: 1}


def test_of_two_views_the_newer_one_counts_more():
    views = [Viewed(ranked(saw=5)), Viewed(ranked(tea=3))]
    found = list_for_session(views, NOTHING, NOTHING)
    assert scores_of(found) == pytest.approx({TEA: 1, SAW: 2 ** (-1 / VIEWS_HALVING)})


def test_the_cart_and_the_own_list_are_added():
    found = list_for_session([Viewed(ranked(tea=3))], ranked(milk=9, saw=4.5), ranked(saw=1, tea=0.5))
    assert scores_of(found)[MILK] == pytest.approx(OF_CART)
    assert scores_of(found)[SAW] == pytest.approx(OF_CART / 2 + OF_OWN)
    assert found.items.tolist()[-1] == TEA
