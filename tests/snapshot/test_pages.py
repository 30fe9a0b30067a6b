"""Pages: which one a row is in, what stands in it, and that a reader finds it again."""

import random
import zlib

import msgspec
import numpy as np
import pytest

from recommender.errors import SnapshotUnreadable
from recommender.ranking.lists import ListTable
from recommender.snapshot import paged_rows
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.paged_rows import PagedRows, RowOwners, paged_ranks
from recommender.snapshot.pages import PAGE_BYTES, decode_page, entry_of, is_page, row_in
from recommender.snapshot.rows import decode_list
from tests.ranking.tables import table_of

ODD_IDS = ["", "{}", "}{", "a b", "a\nb", "ä€😀", "a:b", "\x00", "x" * 31, "x" * 32, "x" * 256, "y" * 70_000]


def lists_of(ids: list[str], places: int = 50) -> tuple[PagedRows, ListTable]:
    """A list of so many places for each id, the first of which is its number."""
    table = table_of([[number, *range(1_000, 999 + places)] for number, _ in enumerate(ids)])
    return paged_ranks("customer", RowOwners.of(ids), table, wide=False), table


def test_every_row_is_found_in_the_page_that_its_id_says() -> None:
    ids = [*ODD_IDS, *(str(10_000_000 + number) for number in range(2_000))]
    rows, _ = lists_of(ids)
    entries, pages = dict(rows.entries()), {"customer": rows.pages}
    assert list(entries) == [f"customer-page:{{{page}}}" for page in range(rows.pages)]
    for number, id_ in enumerate(ids):
        key = entry_key("customer", id_)
        page = entry_of(key, pages)
        assert page == f"customer-page:{{{zlib.crc32(id_.encode()) % rows.pages}}}"
        row = row_in(entries[page], key)
        assert row is not None and decode_list(row).items[0] == number
    assert sum(len(decode_page(page)) for page in entries.values()) == len(ids)
    assert row_in(entries["customer-page:{0}"], entry_key("customer", "nobody")) is None


def test_a_page_is_what_msgpack_makes_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = lists_of([*ODD_IDS, *map(str, range(300))])
    entries = list(rows.entries())
    for _, page in entries:
        assert msgspec.msgpack.encode(decode_page(page)) == page
    monkeypatch.setattr(paged_rows, "_PAGES_AT_ONCE", 3)
    assert list(rows.entries()) == entries


@pytest.mark.parametrize("alike", [1, 15, 16, 70_000])
def test_however_many_ids_fall_into_one_page(alike: int) -> None:
    owners = RowOwners.of([str(number) for number in range(alike)])
    owners = RowOwners(owners.text, owners.starts, np.zeros(alike, np.uint32))
    table = table_of([[number % 100] for number in range(alike)])
    entries = dict(paged_ranks("customer", owners, table, wide=False).entries())
    first = decode_page(entries["customer-page:{0}"])
    assert list(first) == [str(number) for number in range(alike)]
    assert all(
        decode_list(first[str(number)]).items.tolist() == [number % 100] for number in range(0, alike, 7)
    )
    assert all(decode_page(page) == {} for key, page in entries.items() if key != "customer-page:{0}")


def test_who_has_no_place_has_no_row() -> None:
    rows = paged_ranks(
        "customer", RowOwners.of(["ann", "bob", "cid"]), table_of([[], [3, 1], []]), wide=False
    )
    ((_, page),) = rows.entries()
    assert list(decode_page(page)) == ["bob"]
    nobody = paged_ranks("customer", RowOwners.of(["ann"]), table_of([[]]), wide=False)
    assert list(nobody.entries()) == [] and nobody.pages == 0


def test_usual_pages_are_of_the_usual_size() -> None:
    chance = random.Random(1)
    rows, _ = lists_of([str(chance.randrange(10**8, 10**9)) for _ in range(5_000)])
    sizes = [len(page) for _, page in rows.entries()]
    assert np.mean(sizes) == pytest.approx(PAGE_BYTES, rel=0.05)
    assert max(sizes) < 4 * PAGE_BYTES


def test_rows_of_a_kind_without_pages_are_entries_of_their_own() -> None:
    assert entry_of("similar:{tea}", {"customer": 9}) == "similar:{tea}"
    assert entry_of("customer:{ann}", {"customer": 0}) == "customer:{ann}"
    assert [is_page(key) for key in ("customer-page:{0}", "customer:{a-page:}", "manifest:{}")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "page", [b"", b"\x81", b"\x80\x80", b"[]", b"\x81\xa1a\xa1b", b"\x81\xa1\xff\xc4\x00"]
)
def test_a_damaged_page_is_refused(page: bytes) -> None:
    with pytest.raises(SnapshotUnreadable, match="publish the snapshot again"):
        decode_page(page)
