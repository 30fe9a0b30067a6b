"""Bundles, as they are published."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.errors import SnapshotUnreadable
from recommender.snapshot import bundle_rows
from recommender.snapshot.bundle_rows import LAYOUT, PLACE, bundle_entries, decode_bundles, decode_own
from recommender.snapshot.directory import Snapshot, load_snapshot, write_snapshot
from recommender.snapshot.encoding import decode_manifest
from recommender.snapshot.pages import entry_of, row_in
from recommender.snapshot.publication import Publication
from recommender.snapshot.reader_check import check_readable
from tests.snapshot.snapshots import HAMMER, ITEMS, MILK, NAILS, TEA, small_snapshot


def with_bundles() -> Snapshot:
    """Milk goes with tea, a hammer with nails; ann has milk and needs it again, bob is shown nothing."""
    table = BundleTable(
        items=np.array([[MILK, TEA, -1, -1], [HAMMER, NAILS, -1, -1]], np.int32),
        orders=np.array([70_000, 12], np.int32),
        customers=np.array([40, 9], np.int32),
        lift=np.array([2.5, 7.25], np.float32),
        lift_low=np.array([1.5, 3.0], np.float32),
        chance=np.array([0.25, 0.125], np.float32),
        discount=np.array([8, 15], np.uint8),
    )
    own = OwnBundles(
        np.array([0, 1, 1]), np.array([0], np.int32), np.array([0b01], np.uint8), np.array([0b01], np.uint8)
    )
    return replace(small_snapshot(), bundles=table, own_bundles=own)


def entries() -> dict[str, bytes]:
    return dict(Publication(with_bundles()).entries())


def row_of(customer: str) -> bytes | None:
    found = entries()
    key = f"bundles:{{{customer}}}"
    return row_in(found[entry_of(key, decode_manifest(found["manifest:{}"]).pages)], key)


def same(one: BundleTable, other: BundleTable) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BundleTable.__slots__)


def test_a_shops_bundles_are_read_as_they_were_written():
    assert decode_manifest(entries()["manifest:{}"]).bundle_chunks == 1
    found = decode_bundles([entries()["bundle-table:{0}"]], len(ITEMS))
    wanted = with_bundles().bundles
    assert wanted is not None
    assert same(found, wanted)


def test_many_bundles_come_in_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundle_rows, "BUNDLES_PER_CHUNK", 1)
    wanted = with_bundles().bundles
    assert wanted is not None
    parts = dict(bundle_entries(wanted))
    assert list(parts) == ["bundle-table:{0}", "bundle-table:{1}"]
    assert same(decode_bundles([*parts.values()], len(ITEMS)), wanted)


def test_a_customers_row_says_what_they_have_and_need():
    row = row_of("ann")
    assert row is not None
    assert row[0] == LAYOUT
    assert decode_own(row, 2).tolist() == [(0, 0b0001_0001)]
    assert row_of("bob") is None


def test_a_service_can_read_it():
    check_readable(small_snapshot().snapshot_id, entries())


@pytest.mark.parametrize(
    ("key", "damaged"),
    [
        ("bundle-table:{0}", lambda raw: raw[:-1]),
        ("bundle-table:{0}", lambda raw: b"\xff\xff\xff\x7f" + raw[4:]),  # an item beyond the table
        ("bundle-table:{0}", lambda raw: raw[4:8] + raw[:4] + raw[8:]),  # not rising
        ("bundle-table:{0}", lambda raw: raw[:4] + b"\xff" * 4 + raw[8:]),  # one item alone
        ("bundle-table:{0}", lambda raw: raw[:32] + b"\x00\x00\xc0\x7f" + raw[36:]),  # no number
    ],
)
def test_what_is_damaged_is_refused(key, damaged):
    found = entries()
    with pytest.raises(SnapshotUnreadable, match="bundle"):
        check_readable(small_snapshot().snapshot_id, {**found, key: damaged(found[key])})


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x07" + bytes(PLACE.itemsize),
        bytes([LAYOUT]) + bytes(PLACE.itemsize - 1),
        bytes([LAYOUT]) + b"\x02\x00\x00\x00\x01",
        bytes([LAYOUT]) + 2 * b"\x01\x00\x00\x00\x01",
    ],
)
def test_a_customers_row_that_means_nothing_is_refused(row):
    with pytest.raises(SnapshotUnreadable, match="customer's bundles"):
        decode_own(row, 2)


def test_they_are_part_of_the_directory(tmp_path):
    wanted = with_bundles()
    write_snapshot(wanted, tmp_path / "one")
    found = load_snapshot(tmp_path / "one")
    assert found.bundles is not None and wanted.bundles is not None
    assert same(found.bundles, wanted.bundles)
    assert found.own_bundles is not None
    assert found.own_bundles.owned.tolist() == [1]
    write_snapshot(small_snapshot(), tmp_path / "two")
    assert load_snapshot(tmp_path / "two").bundles is None
