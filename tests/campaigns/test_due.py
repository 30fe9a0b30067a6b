"""What customers will soon buy again, as a table."""

import numpy as np
import pytest

from recommender.campaigns.due import DueTable, due_again
from recommender.campaigns.replenishment import Replenishment
from recommender.data.history import DAY
from recommender.ranking.due_list import HORIZONS
from tests.campaigns.test_replenishment import CATEGORY, GAPS, LOG, NOW

UNTIL_NOW = LOG.until(NOW * DAY)
SPEC = Replenishment(trees=40, length=3, least_chance=0.2)
EVERYTHING = np.ones(len(GAPS), bool)


@pytest.fixture(scope="module")
def table() -> DueTable:
    found = due_again(UNTIL_NOW, NOW * DAY, CATEGORY, SPEC, EVERYTHING)
    assert found is not None
    return found


def rows(table: DueTable) -> list[slice]:
    return [slice(*pair) for pair in zip(table.starts[:-1].tolist(), table.starts[1:].tolist(), strict=True)]


def test_a_row_has_the_likeliest_first_and_no_more_than_asked_for(table: DueTable):
    assert len(table.starts) == len(LOG.customers) + 1
    in_14 = table.chance[:, HORIZONS.index(14)]
    for row in rows(table):
        assert 1 <= row.stop - row.start <= 3
        assert (np.diff(in_14[row]) <= 0).all()
        assert len(set(table.items[row].tolist())) == row.stop - row.start
    assert (table.chance[:, -1] >= 0.2).all()


def test_what_is_bought_every_week_or_two_is_first(table: DueTable):
    often = LOG.items.positions(["milk", "coffee"])
    assert np.isin(table.items[table.starts[:-1]], often).mean() > 0.6


def test_what_is_not_to_be_had_is_not_due():
    without = EVERYTHING.copy()
    without[LOG.items.position("milk")] = False
    found = due_again(UNTIL_NOW, NOW * DAY, CATEGORY, SPEC, without)
    assert LOG.items.position("milk") not in found.items


def test_places_that_are_kept_stay_in_their_rows(table: DueTable):
    few = table.keep(table.chance[:, 0] > 0.5)
    assert len(few.items) < len(table.items)
    owner = dict(zip(zip(table.row_of_place(), table.items, strict=True), table.day, strict=True))
    for row, item, day in zip(few.row_of_place(), few.items, few.day, strict=True):
        assert owner[row, item] == day
    assert len(few.starts) == len(table.starts)
    one = table.first_of_each(1)
    assert np.diff(one.starts).max() == 1
    assert one.items.tolist() == table.items[table.starts[:-1]].tolist()


def test_where_nothing_can_be_learned_there_is_no_table():
    assert due_again(LOG.until(10 * DAY), 10 * DAY, CATEGORY, SPEC, EVERYTHING) is None
    assert due_again(UNTIL_NOW, NOW * DAY, CATEGORY, Replenishment(windows=0), EVERYTHING) is None


def test_a_large_shop_is_looked_at_part_by_part(table: DueTable, monkeypatch):
    monkeypatch.setattr("recommender.campaigns.due._CUSTOMERS_AT_ONCE", 50)
    parts = due_again(UNTIL_NOW, NOW * DAY, CATEGORY, SPEC, EVERYTHING)
    for name in ("starts", "items", "chance", "day", "first", "last"):
        assert np.array_equal(getattr(parts, name), getattr(table, name))


def test_whom_it_is_learned_from_may_be_a_part_of_all():
    some = due_again(
        UNTIL_NOW, NOW * DAY, CATEGORY, Replenishment(trees=40, customers=60, length=3), EVERYTHING
    )
    # All of them have a row none the less.
    assert (np.diff(some.starts) > 0).all()
