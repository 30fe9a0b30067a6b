"""Bought in one order, or instead of each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from recommender.models.shared_orders import Baskets
from recommender.ranking.pair_evidence import evidence_of, substitutes
from tests.ranking.tables import table_of
from tests.shops import history_of


def lines_of(*orders):
    """Lines of (order, customer, items); all on one day."""
    return [(order, customer, item, 1.0, 1.0) for order, customer, items in orders for item in items]


def pair(history, anchor, other):
    """A table with one place: `other` in the list of `anchor`."""
    rows = [[] for _ in history.items.ids]
    rows[history.items.position(anchor)] = [history.items.position(other)]
    return table_of(rows)


ORDERS = (
    ("1", "ann", ("tea", "milk")),
    ("2", "ann", ("tea", "milk")),
    ("3", "bob", ("tea", "milk", "jam")),
    ("4", None, ("tea", "milk")),
    ("5", "cid", ("tea", "jam")),
    ("6", "dan", ("jam",)),
    ("7", "eve", ("nails", "saw")),
    ("8", "fay", ("nails", "saw")),
)


def test_orders_and_customers_are_counted():
    history = history_of(lines_of(*ORDERS), 1.0)
    found = evidence_of(Baskets.of(history), pair(history, "tea", "milk"))
    assert found.orders.tolist() == [4]
    assert found.customers.tolist() == [3]  # ann, bob and a guest


def test_lift_compares_with_chance():
    history = history_of(lines_of(*ORDERS), 1.0)
    found = evidence_of(Baskets.of(history), pair(history, "tea", "milk"))
    by_chance = 5 * 4 / 8  # tea stands in 5 of the 8 orders, milk in 4
    assert found.lift == pytest.approx([4 / by_chance])
    # The lower end of the exact interval of a Poisson count, by its usual formula with chi square.
    assert found.lift_low == pytest.approx([chi2.ppf(0.025, 2 * 4) / 2 / by_chance])


def test_what_never_stands_in_one_order_has_no_lift():
    history = history_of(lines_of(*ORDERS), 1.0)
    found = evidence_of(Baskets.of(history), pair(history, "tea", "saw"))
    assert (found.orders[0], found.customers[0], found.lift[0], found.lift_low[0]) == (0, 0, 0, 0)


def test_evidence_is_the_same_both_ways():
    history = history_of(lines_of(*ORDERS), 1.0)
    one, other = (
        evidence_of(Baskets.of(history), pair(history, *names)) for names in (("tea", "jam"), ("jam", "tea"))
    )
    assert (one.orders[0], one.customers[0], one.lift[0]) == (
        other.orders[0],
        other.customers[0],
        other.lift[0],
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["ann", "bob", None]), st.sets(st.sampled_from("abcd"), min_size=1)),
        min_size=1,
        max_size=10,
    )
)
def test_every_place_has_its_evidence(orders):
    history = history_of(lines_of(*((f"{n}", *order) for n, order in enumerate(orders))), 1.0)
    n = len(history.items)
    table = table_of([[item for item in range(n) if item != anchor] for anchor in range(n)])
    found = evidence_of(Baskets.of(history), table)
    assert len(found) == len(table.items)
    for place, (anchor, item) in enumerate(zip(table.row_of_place(), table.items, strict=True)):
        both = {history.items.ids[anchor], history.items.ids[item]}
        assert found.orders[place] == sum(both <= items for _, items in orders)
    assert (found.customers <= found.orders).all()
    assert (found.lift_low <= found.lift).all()
    assert (found.customers[found.orders > 0] > 0).all()


def drinkers(*, together):
    """Twenty customers who buy red and white wine, by turns or both at once, and eighty others."""
    orders = []
    for customer in range(20):
        for week in range(8):
            wines = ("red", "white") if together else (("red", "white")[week % 2],)
            orders.append((f"{customer}-{week}", f"c{customer}", ("bread", "cheese", *wines)))
    orders += [(f"x{n}-{week}", f"x{n}", ("bread", "cheese", "tea")) for n in range(80) for week in range(8)]
    return history_of(lines_of(*orders), 1.0)


@pytest.mark.parametrize("together", [False, True])
def test_what_the_same_customers_buy_by_turns_are_substitutes(together):
    history = drinkers(together=together)
    assert substitutes(Baskets.of(history), pair(history, "red", "white")).tolist() == [not together]


def test_what_goes_with_everything_is_no_substitute():
    history = drinkers(together=False)
    assert not substitutes(Baskets.of(history), pair(history, "red", "bread"))[0]


def test_what_other_people_buy_is_no_substitute():
    history = drinkers(together=False)
    assert not substitutes(Baskets.of(history), pair(history, "red", "tea"))[0]


def test_one_customers_habit_makes_no_substitute():
    orders = [(f"{n}", "ann", ("bread", "cheese", ("red", "white")[n % 2])) for n in range(60)]
    orders += [(f"x{n}", f"x{n}", ("bread", "cheese")) for n in range(60)]
    history = history_of(lines_of(*orders), 1.0)
    assert not substitutes(Baskets.of(history), pair(history, "red", "white"))[0]


def test_a_shop_of_guests_has_no_substitutes():
    history = history_of(lines_of(*((order, None, items) for order, _, items in ORDERS)), 1.0)
    assert substitutes(Baskets.of(history), pair(history, "tea", "milk")).tolist() == [False]


def test_an_empty_table_has_nothing_to_tell():
    history = history_of(lines_of(*ORDERS), 1.0)
    nothing = table_of([[] for _ in history.items.ids])
    assert len(evidence_of(Baskets.of(history), nothing)) == 0
    assert substitutes(Baskets.of(history), nothing).dtype == np.bool_
