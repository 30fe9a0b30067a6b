import json
from dataclasses import fields

import msgspec
import numpy as np
import pytest

from recommender.errors import ConfigError, SnapshotMissing, SnapshotUnreadable
from recommender.snapshot.directory import MANIFEST, Lists, load_snapshot, read_manifest, write_snapshot
from recommender.snapshot.manifest import Made, Updated, snapshot_id
from tests.snapshot.snapshots import small_snapshot


@pytest.fixture
def folder(tmp_path):
    write_snapshot(small_snapshot(), tmp_path / "one")
    return tmp_path / "one"


def test_what_was_written_is_read_back(folder):
    loaded, written = load_snapshot(folder), small_snapshot()
    assert loaded.customers == written.customers
    assert loaded.catalog.items == written.catalog.items
    for name in ("title", "category", "brand", "url", "image_url", "attributes"):
        assert getattr(loaded.catalog, name) == getattr(written.catalog, name)
    assert np.array_equal(loaded.catalog.price, written.catalog.price, equal_nan=True)
    assert loaded.catalog.available.tolist() == written.catalog.available.tolist()
    assert loaded.lists.groups == written.lists.groups
    assert loaded.lists.places == written.lists.places
    for field in fields(Lists):
        if field.name not in ("groups", "places", "reasons", "evidence"):
            ours, theirs = getattr(loaded.lists, field.name), getattr(written.lists, field.name)
            assert [row.items.tolist() for row in ours] == [row.items.tolist() for row in theirs]
            assert [row.bought.tolist() for row in ours] == [row.bought.tolist() for row in theirs]
    assert loaded.lists.reasons.kinds.tolist() == written.lists.reasons.kinds.tolist()
    assert loaded.lists.reasons.values.tolist() == written.lists.reasons.values.tolist()
    for name in ("orders", "customers", "lift", "lift_low"):
        ours, theirs = (getattr(lists.evidence, name) for lists in (loaded.lists, written.lists))
        assert ours.tolist() == theirs.tolist()
    assert loaded.models["best_sellers"].sold.tolist() == [1, 2, 0, 3]


def test_the_id_names_the_newest_order_and_the_content(folder):
    assert read_manifest(folder).snapshot.startswith("20111209T125000Z-")


def test_the_same_content_has_the_same_id_whenever_and_wherever_it_is_written(folder, tmp_path):
    later = small_snapshot(findings=[{"code": "missing_customer", "file": "elsewhere.csv"}])
    manifest = msgspec.structs.replace(later.manifest, generated_at="2030-01-01T00:00:00Z")
    again = write_snapshot(
        type(later)(**{f.name: getattr(later, f.name) for f in fields(later)} | {"manifest": manifest}),
        tmp_path / "two",
    )
    assert again.snapshot_id == read_manifest(folder).snapshot


def test_other_content_has_another_id(folder, tmp_path):
    assert (
        write_snapshot(small_snapshot(seed=1), tmp_path / "two").snapshot_id != read_manifest(folder).snapshot
    )


def test_nothing_in_it_can_run_code(folder):
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".json", ".npy", ".parquet"}
    for path in folder.rglob("*.npy"):
        np.load(path, allow_pickle=False)


@pytest.mark.parametrize("name", ["items.parquet", "lists/similar/items.npy", "findings.json"])
def test_a_changed_file_is_named_and_refused(folder, name):
    damaged = bytearray((folder / name).read_bytes())
    damaged[-1] ^= 1
    (folder / name).write_bytes(damaged)
    with pytest.raises(SnapshotUnreadable, match=name):
        load_snapshot(folder)


def test_a_lost_and_an_added_file_are_refused(folder):
    (folder / "customers.parquet").unlink()
    (folder / "extra.npy").write_bytes(b"")
    with pytest.raises(SnapshotUnreadable, match=r"customers.parquet, extra.npy"):
        load_snapshot(folder)


@pytest.mark.parametrize("unknown", ["lists/reasons", "lists/evidence", "places.parquet"])
def test_a_folder_of_a_version_that_wrote_less_is_refused(folder, unknown):
    manifest = read_manifest(folder)
    files = {name: digest for name, digest in manifest.files.items() if not name.startswith(unknown)}
    for name in manifest.files.keys() - files.keys():
        (folder / name).unlink()
    manifest = msgspec.structs.replace(manifest, files=files)
    manifest = msgspec.structs.replace(manifest, snapshot=snapshot_id(manifest))
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(SnapshotUnreadable, match=rf"{unknown}.*train again"):
        load_snapshot(folder)


def test_the_clock_has_no_say_in_the_id_of_an_update(folder):
    def updated_from(full: str, full_generated_at: str) -> str:
        return snapshot_id(
            msgspec.structs.replace(
                read_manifest(folder),
                updated=Updated(
                    previous="monday",
                    full=full,
                    full_until="2011-12-09T12:50:00Z",
                    full_generated_at=full_generated_at,
                    customers=Made(1, 2),
                    items=Made(0, 4),
                ),
            )
        )

    one = updated_from("sunday", "2011-12-10T03:00:00Z")
    assert one == updated_from("sunday", "2011-12-10T04:00:00Z")
    assert one != updated_from("saturday", "2011-12-10T03:00:00Z")


def test_a_changed_manifest_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["counts"]["orders"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SnapshotUnreadable, match=r"manifest.json"):
        load_snapshot(folder)


def test_another_format_is_refused_with_the_remedy(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(SnapshotUnreadable, match=r"format 99.*reads 1: train again"):
        load_snapshot(folder)


def test_no_json_and_no_snapshot_are_told_apart(folder, tmp_path):
    (folder / "manifest.json").write_text("[1")
    with pytest.raises(SnapshotUnreadable, match="cannot be read"):
        load_snapshot(folder)
    with pytest.raises(SnapshotMissing, match="cartlift train"):
        load_snapshot(tmp_path)


def test_a_snapshot_is_never_overwritten(folder):
    with pytest.raises(ConfigError, match="never overwritten"):
        write_snapshot(small_snapshot(), folder)


def test_an_interrupted_write_leaves_no_snapshot_and_does_not_stop_the_next(tmp_path):
    (tmp_path / "one.unfinished").mkdir()
    (tmp_path / "one.unfinished" / "half.npy").write_bytes(b"half")
    write_snapshot(small_snapshot(), tmp_path / "one")
    load_snapshot(tmp_path / "one")
    assert not (tmp_path / "one.unfinished").exists()
