"""Lines by customer and item."""

import numpy as np

from recommender.data.orders import GUEST
from recommender.ranking.paired_lines import PairedLines, purchases_by_pair, units_by_pair
from tests.shops import history_of, log_of

LINES = PairedLines.of(
    np.array([2, 0, GUEST, 2, 2, 0], np.int32),
    np.array([5, 7, 5, 4, 5, 7], np.int32),
    4,
    day=np.array([1, 2, 3, 4, 5, 6]),
)
"""Customer 0 bought item 7 twice, customer 2 items 4 and 5; customers 1 and 3 nothing."""


def test_lines_stand_by_customer_then_item_then_time_and_guests_nowhere():
    assert LINES.starts.tolist() == [0, 2, 2, 5, 5]
    assert LINES.item.tolist() == [7, 7, 4, 5, 5]
    assert LINES.columns["day"].tolist() == [2, 6, 4, 1, 5]
    assert LINES.pair_starts().tolist() == [0, 2, 3]
    assert LINES.pair_keys(LINES.pair_starts(), 10).tolist() == [7, 24, 25]


def test_some_customers_come_in_the_order_asked_for():
    some = LINES.of_customers(np.array([3, 2, 0, 2]))
    assert some.starts.tolist() == [0, 0, 3, 5, 8]
    assert some.columns["day"].tolist() == [4, 1, 5, 2, 6, 4, 1, 5]
    # The same item of two customers is two pairs.
    assert some.pair_starts().tolist() == [0, 1, 3, 5, 6]


def test_nobody_has_no_lines():
    nobody = LINES.of_customers(np.array([1, 3]))
    assert (len(nobody.item), len(nobody.pair_starts()), nobody.starts.tolist()) == (0, 0, [0, 0, 0])
    assert PairedLines.of(np.array([GUEST]), np.array([5]), 0).starts.tolist() == [0]


def test_purchases_know_how_many_orders_came_after_them():
    lines = [
        ("o1", "ann", "tea", 1.0, 10), ("o2", "ann", "tea", 1.0, 20), ("o2", "ann", "cup", 1.0, 20),
        ("o3", "bob", "tea", 1.0, 20), ("o4", "ann", "tea", 1.0, 20), ("o5", None, "tea", 1.0, 30),
    ]  # fmt: skip
    found = purchases_by_pair(history_of(lines, 30))
    assert found.item.tolist() == [0, 1, 1, 1, 1]  # ann's cup and her three teas, bob's tea
    assert found.columns["age"].tolist() == [10, 20, 10, 10, 10]
    # Of two orders of one moment the one of the higher id came later.
    assert found.columns["orders_ago"].tolist() == [1, 2, 1, 0, 0]


def test_an_item_that_stands_twice_in_an_order_is_one_purchase_and_two_lines_of_units():
    lines = [("o", "ann", "tea", 1.0, 1), ("o", "ann", "tea", 3.0, 1)]
    assert len(purchases_by_pair(history_of(lines, 1)).item) == 1
    np.testing.assert_allclose(units_by_pair(log_of(lines)).columns["units"], np.log([2, 4]))
