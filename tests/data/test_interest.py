import numpy as np
import pytest

from recommender.data.history import DAY
from recommender.data.interest import CART, VIEW, InterestLog
from recommender.data.vocabulary import Vocabulary

NOW = 100 * DAY
WHO, WHAT = Vocabulary(("ann", "bob")), Vocabulary(("milk", "saw", "tea"))


def log(*lines: tuple[str, str, int, float]) -> InterestLog:
    """Lines of customer, item, kind, and days ago."""
    customers, items = (Vocabulary(tuple(sorted({line[column] for line in lines}))) for column in (0, 1))
    return InterestLog(
        customers.positions([line[0] for line in lines]),
        items.positions([line[1] for line in lines]),
        np.array([line[2] for line in lines], np.uint8),
        np.array([NOW - line[3] * DAY for line in lines]),
        customers,
        items,
    )


def weights(*lines: tuple[str, str, int, float]) -> list[list[float]]:
    known = log(*lines).until(NOW, WHO, WHAT)
    return known.weights((2, 3), view=0.1, cart=0.4, half_life_days=10).toarray().round(4).tolist()


def test_views_and_carts_fade_and_add_up():
    lines = [("ann", "tea", VIEW, 0.0), ("ann", "tea", VIEW, 10.0), ("bob", "saw", CART, 20.0)]
    assert weights(*lines, ("bob", "saw", VIEW, 0.0)) == [
        [0, 0, pytest.approx(0.15)],
        [0, pytest.approx(0.2), 0],
    ]


def test_however_often_somebody_looks_it_counts_no_more_than_a_purchase():
    assert weights(*[("ann", "tea", VIEW, 0.0)] * 50) == [[0, 0, 1], [0, 0, 0]]


def test_strangers_unknown_items_and_the_future_are_left_out():
    lines = [("cid", "tea", CART, 1.0), ("ann", "unknown", CART, 1.0), ("ann", "tea", CART, -1.0)]
    assert weights(*lines, ("ann", "milk", CART, 0.0)) == [[pytest.approx(0.4), 0, 0], [0, 0, 0]]
    assert np.count_nonzero(weights(*lines)) == 0
