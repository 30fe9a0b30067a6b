"""The figures of item pages, by hand."""

import numpy as np
import pytest

from benchmarks.held_out import HeldOut
from benchmarks.similar_items import figures
from tests.ranking.tables import table_of
from tests.shops import log_of

# Five lines of each item on day 0, by customers who buy nothing else then; ann and bob know only the bag.
ITEMS = ("bag", "milk", "nails", "tea")
EARLY = [(f"{item}-{n}", f"c{n}-{item}", item, 1.0, 0.0) for item in ITEMS for n in range(5)]
EARLY += [("a", "ann", "bag", 1.0, 0.0), ("b", "bob", "bag", 1.0, 0.0)]
# Later ann buys tea and milk for the first time, and bob nails and tea; the bag is nobody's first time.
LATER = [
    ("a1", "ann", "tea", 1.0, 40.0), ("a2", "ann", "milk", 1.0, 40.0),
    ("a3", "ann", "bag", 1.0, 40.0), ("b1", "bob", "nails", 1.0, 40.0),
    ("b2", "bob", "tea", 1.0, 50.0),
]  # fmt: skip
DRINKS = np.array([-1, 0, -1, 0], np.int32)
BAG, MILK, NAILS, TEA = range(4)


def judged(pages):
    log = log_of([*EARLY, *LATER])
    held_out = HeldOut.of(log, 0)
    assert held_out.history.items.ids == ITEMS
    return figures(held_out, table_of(pages), DRINKS)


def test_pages_are_judged_by_what_was_bought_for_the_first_time_beside_the_item():
    # On the page of tea milk comes second: 1 / log2(3) for ann, and nothing for bob. On that of milk tea is
    # first: 1 for ann. On that of nails is nothing.
    found = judged([[], [TEA], [], [BAG, MILK]])
    assert found.found == pytest.approx(((1 / np.log2(3) + 1) / 2 + 0) / 2)
    # Only ann bought another drink beside one.
    assert found.found_in_category == pytest.approx((1 / np.log2(3) + 1) / 2)


def test_hubs_are_counted_over_all_pages_and_items():
    found = judged([[], [BAG, TEA], [BAG], [BAG, MILK]])
    assert found.commonest == 3 / 4
    assert found.shown == 3 / 4
    assert found.own_category == 2 / 5
