"""Everybody in the comparison learns from the same past and is judged by the same rule."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.held_out import HeldOut, K
from recommender.ranking.build import of_mode
from tests.shops import log_of, planted_lines

LINES = planted_lines(days=120)
LAST_DAY = 119
CUT = LAST_DAY - 28
ITEMS = 16


@dataclass(frozen=True)
class Fixed:
    """A peer that always says the same."""

    table: np.ndarray

    def scores(self, customers):
        return self.table[customers]


def held_out(lines=LINES, back=0):
    # The order of the last day fixes where the windows lie.
    return HeldOut.of(log_of([*lines, ("end", "diy-001", "bag", 1.0, LAST_DAY)]), back)


PLAIN = held_out()


def test_nothing_after_the_cut_changes_what_is_learned_from():
    future = [("new", customer, "tea-pot", 5.0, CUT + 1.0) for customer in ("diy-001", "nobody-before")]
    told = held_out([*LINES, *future])
    for name in ("customer", "item", "age_days", "customers", "items"):
        assert np.array_equal(getattr(told.history, name), getattr(PLAIN.history, name)), name


def test_the_future_purchase_is_what_the_customer_is_judged_by():
    told = held_out([*LINES, ("new", "diy-001", "tea-pot", 5.0, CUT + 1.0)])
    row = told.window.customers.tolist().index(told.history.customers.position("diy-001"))
    assert told.window.truth[row, told.history.items.position("tea-pot")] == 1


def test_customers_who_come_later_are_no_row():
    told = held_out([*LINES, ("new", "nobody-before", "tea-pot", 1.0, CUT + 1.0)])
    assert "nobody-before" not in told.history.customers
    assert "nobody-before" not in told.orders.customers


def test_windows_further_back_do_not_overlap():
    cuts = [held_out(back=back).window.cut for back in (0, 1, 2)]
    assert np.diff(cuts).tolist() == [-28 * 86_400] * 2
    assert held_out(back=1).history.age_days.min() >= 0


@settings(max_examples=30)
@given(
    arrays(np.float64, (60, ITEMS), elements=st.sampled_from([-np.inf, -1.0, 0.0, 1e-200, 2e-200, 1.0, 7.0]))
)
def test_lists_are_the_first_of_a_stable_sort(table):
    lists = PLAIN.lists_of(Fixed(table))
    for mode, may_hold in (("mixed", None), ("repeat", True), ("discover", False)):
        for r, found in enumerate(of_mode(lists, mode, K)):
            scores = table[PLAIN.window.customers[r]]
            best = np.argsort(-scores, kind="stable")
            had = PLAIN.window.bought[[r]].toarray().ravel() > 0
            wanted = [i for i in best if scores[i] > -np.inf and may_hold in (None, had[i])]
            assert found.items.tolist() == wanted[:K]


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        PLAIN.lists_of(Fixed(np.full((60, ITEMS), np.nan)))


def test_only_new_items_count_as_discoveries():
    knows_it_all = np.zeros((60, ITEMS))
    knows_it_all[PLAIN.window.customers] = PLAIN.window.truth.toarray()
    lists = PLAIN.lists_of(Fixed(knows_it_all))
    for task in ("all", "discover"):
        ndcg = PLAIN.figures(lists, task)["ndcg"]
        assert np.nanmin(ndcg) == pytest.approx(1)
    new = (PLAIN.window.truth - PLAIN.window.truth.multiply(PLAIN.window.bought > 0)).sum(axis=1) > 0
    assert np.array_equal(~np.isnan(PLAIN.figures(lists, "discover")["ndcg"]), new)
