"""How often sets of items stand in one order, and how often they would by chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.campaigns.bundle_table import NO_ITEM
from recommender.campaigns.sets_in_orders import OrdersOfSets
from recommender.models.shared_orders import Baskets


def orders_of(rows: list[set[int]], n_items: int, buyer: list[int] | None = None) -> OrdersOfSets:
    dense = np.zeros((len(rows), n_items), np.float32)
    for row, items in enumerate(rows):
        dense[row, sorted(items)] = 1
    whose = np.array(range(len(rows)) if buyer is None else buyer)
    return OrdersOfSets.of(Baskets(csr_array(dense), whose, int(whose.max(initial=0)) + 1))


def sets_of(*sets: tuple[int, ...]) -> np.ndarray:
    padded = np.full((len(sets), 4), NO_ITEM, np.int32)
    for row, items in enumerate(sets):
        padded[row, : len(items)] = items
    return padded


ROWS = [{0, 1}, {0, 1, 2}, {0, 1, 2, 3}, {2, 3}, {0, 1, 2}, {0}]


def test_orders_and_the_people_behind_them_are_counted():
    found = orders_of(ROWS, 4, buyer=[0, 0, 1, 1, 2, 2]).counts(sets_of((0, 1), (2, 3), (1, 3)))
    assert found.orders.tolist() == [4, 2, 1]
    assert found.customers.tolist() == [3, 1, 1]


def test_larger_sets_are_counted_beside_pairs():
    found = orders_of(ROWS, 4, buyer=[0, 0, 1, 1, 2, 2]).counts(sets_of((0, 1), (0, 1, 2), (0, 1, 2, 3)))
    assert found.orders.tolist() == [4, 3, 1]
    assert found.customers.tolist() == [3, 3, 1]


@given(
    st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=30),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_looking_at_every_order(rows, seed):
    rng = np.random.default_rng(seed)
    buyer = rng.integers(0, 4, len(rows)).tolist()
    counted = orders_of(rows, 6, buyer)
    for size in (2, 3, 4):
        sets = {tuple(sorted(rng.choice(6, size, replace=False).tolist())) for _ in range(8)}
        found = counted.counts(sets_of(*sets))
        for at, items in enumerate(sets):
            holding = [row for row, order in enumerate(rows) if order.issuperset(items)]
            assert found.orders[at] == len(holding)
            assert found.customers[at] == len({buyer[row] for row in holding})


def test_pairs_are_told_the_same_by_either_way_of_counting():
    rng = np.random.default_rng(5)
    rows = [set(rng.choice(8, rng.integers(1, 7), replace=False).tolist()) for _ in range(200)]
    counted, pairs = orders_of(rows, 8, rng.integers(0, 50, 200).tolist()), sets_of((0, 1), (2, 7), (3, 4))
    alone, beside = counted.counts(pairs), counted.counts(np.concatenate((pairs, sets_of((0, 1, 2)))))
    assert beside.orders[:3].tolist() == alone.orders.tolist()
    assert beside.customers[:3].tolist() == alone.customers.tolist()
    assert beside.expected[:3] == pytest.approx(alone.expected, rel=1e-5)


def test_large_orders_are_no_evidence():
    """Twenty shops buy everything: each pair stands in twenty orders, as chance has it in orders so large."""
    rows = [set(range(30)) for _ in range(20)] + [{int(item)} for item in np.arange(600) % 30]
    found = orders_of(rows, 30).counts(sets_of((0, 1), (5, 17)))
    assert found.orders.tolist() == [20, 20]
    # Of 40 orders of an item 20 hold 30 items and 20 hold one; plain chance would say 40 · 40 ÷ 620 = 2.6.
    assert (found.orders / found.expected < 1.4).all()


def test_chance_gives_what_chance_gives():
    """Where items are thrown into orders blindly, about as many hold a pair as are expected."""
    rng = np.random.default_rng(2)
    popular = np.linspace(1, 6, 40)
    sizes = rng.integers(1, 15, 4_000)
    rows = [set(rng.choice(40, size, replace=False, p=popular / popular.sum()).tolist()) for size in sizes]
    pairs = sets_of(*((a, b) for a in range(0, 40, 3) for b in range(a + 1, 40, 4)))
    found = orders_of(rows, 40).counts(pairs)
    assert found.orders.sum() / found.expected.sum() == pytest.approx(1, abs=0.08)


def test_a_set_is_compared_with_its_parts():
    """0 and 1 always go together; a third item that joins them as often as anything is nothing more."""
    rng = np.random.default_rng(3)
    others = [{int(item) + 2 for item in rng.choice(10, 3, replace=False)} for _ in range(2_000)]
    rows = [some | {0, 1} if rng.random() < 0.3 else some for some in others]
    found = orders_of(rows, 12).counts(sets_of((0, 1), (0, 1, 5)))
    lift = found.orders / found.expected
    assert lift[0] > 2
    assert lift[1] < 1


def test_no_sets_and_no_orders_are_nothing():
    assert len(orders_of(ROWS, 4).counts(sets_of()).orders) == 0
    nobody = OrdersOfSets.of(Baskets(csr_array((0, 3), dtype=np.float32), np.zeros(0, np.int64), 0))
    assert nobody.counts(sets_of((0, 1))).orders.tolist() == [0]
