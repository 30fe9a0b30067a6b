"""What is due again, as it is published."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.campaigns.due import DueTable
from recommender.errors import SnapshotUnreadable
from recommender.ranking.due_list import DueList
from recommender.snapshot.due_rows import LAYOUT, PLACE, decode_due, places_of
from recommender.snapshot.encoding import decode_manifest
from recommender.snapshot.pages import entry_of, row_in
from recommender.snapshot.publication import Publication
from recommender.snapshot.reader_check import check_readable
from tests.snapshot.snapshots import HAMMER, ITEMS, MILK, TEA, small_snapshot


def with_due():
    """Ann needs milk, then tea; nothing is known of bob."""
    due = DueTable(
        starts=np.array([0, 2, 2]),
        items=np.array([MILK, TEA], np.int32),
        chance=np.array([[0.2, 0.8, 1.0], [0.4, 0.6, 0.6]], np.float32),
        day=np.array([12, 0], np.int16),
        first=np.array([5, 0], np.int16),
        last=np.array([30, 0], np.int16),
    )
    return replace(small_snapshot(), due=due)


def row_of(customer: str) -> bytes | None:
    entries = dict(Publication(with_due()).entries())
    pages = decode_manifest(entries["manifest:{}"]).pages
    return row_in(entries[entry_of(f"due:{{{customer}}}", pages)], f"due:{{{customer}}}")


def told(due: DueList) -> list[tuple]:
    columns = (due.items, due.day, due.first_day, due.last_day)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_what_is_read_is_what_was_published():
    due = decode_due(row_of("ann"), len(ITEMS))
    assert told(due) == [(MILK, 12, 5, 30), (TEA, 0, 0, 0)]
    assert due.chance == pytest.approx(np.array([[0.2, 0.8, 1.0], [0.4, 0.6, 0.6]]), abs=1 / 500)
    assert row_of("bob") is None


def test_it_can_be_ordered_by_any_of_its_days():
    due = decode_due(row_of("ann"), len(ITEMS))
    assert due.within(7).items.tolist() == [TEA, MILK]
    assert due.within(30).items.tolist() == [MILK, TEA]
    assert due.within(14).scores.tolist() == pytest.approx([0.8, 0.6], abs=1 / 500)
    assert due.bought.all()


def test_a_row_is_as_long_as_the_format_says():
    assert len(row_of("ann")) == 1 + 2 * 10
    assert row_of("ann")[0] == LAYOUT


def test_a_publication_with_it_can_be_read():
    check_readable("", dict(Publication(with_due()).entries()))
    entries = dict(Publication(small_snapshot()).entries())
    assert "due" not in decode_manifest(entries["manifest:{}"]).pages


def stored(*items: int) -> bytes:
    n = len(items)
    days = np.zeros(n, np.int16)
    return bytes([LAYOUT]) + places_of(np.array(items), np.zeros((n, 3)), days, days, days).tobytes()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"", "not whole"),
        (b"\x04" + bytes(10), "not whole"),
        (stored(MILK)[:-1], "not whole"),
        (stored(len(ITEMS)), "names no items"),
        (stored(HAMMER, HAMMER), "names no items"),
    ],
)
def test_a_row_that_means_nothing_is_refused(row, said):
    with pytest.raises(SnapshotUnreadable, match=said):
        decode_due(row, len(ITEMS))


def test_an_item_takes_ten_bytes():
    assert PLACE.itemsize == 10
