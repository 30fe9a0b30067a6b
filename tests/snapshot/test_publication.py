import zlib
from dataclasses import replace

import msgspec
import pytest

from recommender.errors import SnapshotUnreadable
from recommender.ranking.reasons import KINDS
from recommender.snapshot import encoding
from recommender.snapshot.encoding import decode_items, decode_manifest, encode_items, entry_key
from recommender.snapshot.pages import row_in
from recommender.snapshot.publication import Publication, item_records
from recommender.snapshot.reader_check import check_readable
from recommender.snapshot.rows import decode_evidence, decode_list, decode_reasons
from tests.snapshot.snapshots import TEA, small_snapshot


def test_the_item_table_travels_in_chunks(monkeypatch):
    monkeypatch.setattr(encoding, "ITEMS_PER_CHUNK", 3)
    records = item_records(small_snapshot().catalog)
    chunks = list(encode_items(records))
    assert len(chunks) == 2
    assert [record for chunk in chunks for record in decode_items(chunk)] == records


def test_prices_read_as_the_shop_wrote_them_and_unknown_ones_are_missing():
    hammer, _, nails, tea = item_records(small_snapshot().catalog)
    assert (hammer.price, nails.price, tea.price) == (12.5, None, 2.55)
    assert b"2.55" in msgspec.json.encode(tea)


def test_a_damaged_chunk_or_manifest_is_refused():
    with pytest.raises(SnapshotUnreadable, match="publish the snapshot again"):
        decode_items(b"broken")
    with pytest.raises(SnapshotUnreadable, match="publish the snapshot again"):
        decode_items(zlib.compress(b'[{"item_id": "tea", "later": ' + b"[" * 100_000))
    for raw in (b"broken", b"[]", b'{"format": 1, "snapshot": "\xff"}', b"[" * 100_000):
        with pytest.raises(SnapshotUnreadable, match="cannot be read"):
            decode_manifest(raw)
    with pytest.raises(SnapshotUnreadable, match="format 99, this version reads 1"):
        decode_manifest(b'{"format": 99}')


def test_every_list_that_is_not_empty_is_an_entry():
    entries = dict(Publication(small_snapshot()).entries())
    assert set(entries) == {
        "items:{0}", "best-sellers:{}", "best-sellers:{diy}", "best-sellers:{food}", "place:{France}",
        "similar:{milk}", "similar:{tea}", "bought-together:{hammer}", "bought-together:{milk}",
        "bought-together:{nails}", "bought-together:{tea}", "customer-page:{0}", "orders-page:{0}",
        "reasons-page:{0}", "evidence:{hammer}",
        "evidence:{milk}", "evidence:{nails}", "evidence:{tea}", "manifest:{}",
    }  # fmt: skip
    ann = decode_list(row_of("customer", "ann"))
    assert ann.items[0] == TEA
    assert ann.bought.tolist() == [True, False]


def row_of(kind, customer):
    page = dict(Publication(small_snapshot()).entries())[f"{kind}-page:{{0}}"]
    return row_in(page, entry_key(kind, customer))


def test_reasons_stand_beside_their_list():
    ann, bob = (decode_reasons(row_of("reasons", name)) for name in ("ann", "bob"))
    assert [KINDS[kind] for kind in ann.kinds] == ["bought_again", "because_you_bought"]
    assert ann.values.tolist() == [30, TEA]
    assert len(bob) == len(decode_list(row_of("customer", "bob"))) == 1


def test_evidence_stands_beside_its_list():
    entries = dict(Publication(small_snapshot()).entries())
    nails = decode_evidence(entries["evidence:{nails}"])
    assert (nails.orders.tolist(), nails.customers.tolist()) == ([3], [3])
    assert (nails.lift.tolist(), nails.lift_low.tolist()) == ([2.5], [pytest.approx(1.1)])
    assert len(entries["evidence:{nails}"]) == 16


def test_lists_without_their_reasons_are_no_lists():
    lists = small_snapshot().lists
    with pytest.raises(ValueError, match="has a reason"):
        replace(lists, reasons=lists.reasons.part(slice(0, 1)))


def test_the_manifest_comes_last_and_says_what_a_reader_needs():
    key, value = list(Publication(small_snapshot()).entries())[-1]
    manifest = decode_manifest(value)
    assert key == "manifest:{}"
    assert (manifest.n_customers, manifest.n_items, manifest.item_chunks) == (2, 4, 1)
    assert manifest.categories == ("diy", "food")


def test_entries_come_in_the_same_order_every_time():
    assert list(Publication(small_snapshot()).entries()) == list(Publication(small_snapshot()).entries())


def pages_of_one_customer(**rows):
    """A publication's entries, checked as before it is published, with other rows in the first page."""
    entries = dict(Publication(small_snapshot()).entries())
    entries["customer-page:{0}"] = msgspec.msgpack.encode(rows)
    return entries


def test_a_sound_publication_is_readable():
    check_readable("", dict(Publication(small_snapshot()).entries()))
    check_readable("", pages_of_one_customer())


def test_a_page_whose_first_row_nobody_could_read_is_refused():
    with pytest.raises(SnapshotUnreadable, match="not whole"):
        check_readable("", pages_of_one_customer(ann=b"\x04"))


def test_a_row_in_a_page_where_nobody_looks_for_it_is_refused():
    entries = dict(Publication(small_snapshot()).entries())
    manifest = msgspec.structs.replace(decode_manifest(entries["manifest:{}"]), pages={"customer": 50})
    entries["manifest:{}"] = msgspec.json.encode(manifest)
    with pytest.raises(SnapshotUnreadable, match="where no reader looks for it"):
        check_readable("", entries)
