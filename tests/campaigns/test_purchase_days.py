"""On which days a customer bought an item."""

import numpy as np

from recommender.campaigns.purchase_days import PurchaseDays
from recommender.data.history import DAY
from recommender.data.orders import GUEST
from tests.shops import log_of

NOW = 100 * DAY


def days_of(*lines: tuple[str, str | None, str, float, float]) -> PurchaseDays:
    return PurchaseDays.at(log_of(lines), NOW)


def told(days: PurchaseDays) -> list[tuple[int, int, int, float]]:
    columns = (days.customer, days.item, days.ago, days.units)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_days_are_counted_back_from_the_moment():
    days = days_of(
        ("1", "ann", "tea", 1, 99.5), ("2", "ann", "tea", 1, 99.0), ("3", "ann", "tea", 1, 98.9),
    )  # fmt: skip
    # The moment is the end of day 99; what is exactly 24 hours old was bought the day before.
    assert told(days) == [(0, 0, 1, 2.0), (0, 0, 0, 1.0)]


def test_two_orders_on_one_day_are_one_purchase_of_all_units():
    days = days_of(("1", "ann", "tea", 2, 50.1), ("2", "ann", "tea", 3, 50.2), ("3", "ann", "tea", 1, 60.5))
    assert told(days) == [(0, 0, 49, 5.0), (0, 0, 39, 1.0)]


def test_pairs_stand_together_the_oldest_day_first():
    days = days_of(
        ("1", "bob", "tea", 1, 10.5),
        ("2", "ann", "tea", 1, 20.5),
        ("3", "ann", "milk", 1, 30.5),
        ("4", "ann", "tea", 1, 40.5),
    )
    assert told(days) == [(0, 0, 69, 1.0), (0, 1, 79, 1.0), (0, 1, 59, 1.0), (1, 1, 89, 1.0)]
    assert days.pair_starts().tolist() == [0, 1, 3]
    assert (np.diff(days.pairs()) >= 0).all()


def test_guests_returns_and_the_future_are_no_purchases():
    days = days_of(("1", None, "tea", 1, 10.5), ("2", "ann", "tea", -1, 20.5), ("3", "ann", "tea", 1, 100.5))
    assert len(days) == 0
    assert GUEST not in days.customer


def test_what_was_known_then_is_seen_from_then():
    days = days_of(("1", "ann", "tea", 1, 50.5), ("2", "ann", "tea", 1, 80.5), ("3", "ann", "tea", 1, 95.5))
    assert days.before(10).ago.tolist() == [39, 9]
    assert days.bought_within(10).ago.tolist() == [4]
    assert len(days.before(0)) == len(days) == 3
