"""A customer's last orders as a list."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking import past_orders as module
from recommender.ranking.past_orders import past_orders
from tests.shops import history_of

LINES = [
    ("1", "ann", "tea", 1.0, 1.0), ("1", "ann", "milk", 1.0, 1.0),
    ("2", "ann", "tea", 1.0, 5.0),
    ("3", "bob", "nails", 1.0, 2.0),
    ("4", None, "tea", 1.0, 3.0),
    ("5", "ann", "nails", 1.0, 9.0), ("5", "ann", "saw", 1.0, 9.0),
]  # fmt: skip


def rows_of(lines, day=10.0, eligible=None):
    """Customer → (items, scores) of their row."""
    history = history_of(lines, day)
    shown = np.ones(len(history.items), bool) if eligible is None else eligible(history)
    table = past_orders(history, shown)
    ids = history.items.ids
    return {
        customer: ([ids[item] for item in row.items], row.scores.tolist())
        for customer, row in zip(history.customers.ids, table, strict=True)
    }


def test_orders_are_numbered_upwards_to_the_newest():
    assert rows_of(LINES) == {
        "ann": (["nails", "saw", "tea", "milk", "tea"], [3.0, 3.0, 2.0, 1.0, 1.0]),
        "bob": (["nails"], [1.0]),
    }


def test_what_may_not_be_shown_is_left_out():
    found = rows_of(LINES, eligible=lambda history: np.array([item != "tea" for item in history.items.ids]))
    assert found["ann"] == (["nails", "saw", "milk"], [2.0, 2.0, 1.0])


def test_only_the_newest_purchases_are_kept(monkeypatch):
    monkeypatch.setattr(module, "MOST_PLACES", 3)
    assert rows_of(LINES)["ann"] == (["nails", "saw", "tea"], [2.0, 2.0, 1.0])


def test_nobody_known_has_no_orders():
    assert rows_of([(order, None, *rest) for order, _, *rest in LINES]) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob"]), st.integers(0, 9), st.sets(st.sampled_from("abc"), min_size=1)
        ),
        min_size=1,
        max_size=9,
    )
)
def test_every_order_is_there_once(orders):
    lines = [
        (f"{n}", who, item, 1.0, float(day)) for n, (who, day, items) in enumerate(orders) for item in items
    ]
    for customer, (items, scores) in rows_of(lines).items():
        theirs = sorted(sorted(basket) for who, _, basket in orders if who == customer)
        found = [
            sorted(item for item, score in zip(items, scores, strict=True) if score == number)
            for number in set(scores)
        ]
        assert sorted(found) == theirs
        assert sorted(set(scores)) == list(range(1, len(theirs) + 1))
        assert scores == sorted(scores, reverse=True)
