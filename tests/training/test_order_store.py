import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import hypothesis
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.data.orders import COLUMNS
from recommender.errors import ConfigError, DataError
from recommender.training.order_store import OrderStore
from recommender.training.progress import Silent
from recommender.training.settings import load_settings
from recommender.training.sources import read_orders
from recommender.training.sources.canonical import open_orders
from recommender.training.sources.stored import MANIFEST, digest, digest_of_values

NOW = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at,title,status"
FIRST = (
    "1,ann,tea,2,2.5,2024-01-01,Green tea,paid",
    "2,bob,milk,1,0.99,2024-01-02,Milk,paid",
    "2,bob,milk,1,0.99,2024-01-02,Milk,paid",
    "",
    "3,,tea,some,2.5,2024-01-03,Green tea,paid",
)
SECOND = (
    "2,bob,milk,1,0.99,2024-01-02,Milk 1 l,refunded",
    "4,ann,tea,-1,2.5,2024-01-04,Green tea,paid",
    "5,cid,honey,1,5,yesterday,Honey,paid",
    "6,cid,honey,1,5,2024-01-05,Honey,paid,more",
)


def write(folder, name, *rows, header=HEADER):
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("\n".join((header, *rows)) + "\n")
    return file


def add(store, *files, settings=None):
    with store.locked():
        source = (settings or load_settings()).source
        return store.add(open_orders(files, source, None), source, progress=Silent())


def read(*sources, settings=None, **options):
    return read_orders(sources, settings or load_settings(), now=NOW, **options)


def same(one, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one.orders, name), getattr(other.orders, name))
    for name in ("orders", "customers", "items"):
        assert getattr(one.orders, name) == getattr(other.orders, name)
    assert one.findings == other.findings
    assert one.catalog.title == other.catalog.title
    assert (one.lines, one.quarantined) == (other.lines, other.quarantined)


@pytest.fixture
def store(tmp_path):
    return OrderStore(tmp_path / "store")


@pytest.fixture
def exports(tmp_path):
    return write(tmp_path, "monday.csv", *FIRST), write(tmp_path, "tuesday.csv", *SECOND)


def test_exports_added_one_by_one_are_as_if_all_had_been_read_at_once(store, exports):
    """Doubles, an overlap, a return, lines that cannot be read, a blank row and a row that is too wide."""
    for file in exports:
        add(store, file)
    at_once = read(*exports)
    same(read(store.folder), at_once)
    named = {example.file for finding in at_once.findings for example in finding.examples}
    assert named == {"monday.csv", "tuesday.csv"}


def test_ids_that_one_export_writes_with_point_zero_stay_one_item(store, tmp_path):
    header = HEADER.removesuffix(",title,status")
    days = (
        write(tmp_path, "a.csv", "1,7,13085.0,1,1,2024-01-01", "1,7,13086.0,1,1,2024-01-01", header=header),
        write(tmp_path, "b.csv", "2,7,13085,1,1,2024-01-02", header=header),
        write(tmp_path, "c.csv", "3,7,13085.0,1,1,2024-01-03", "3,7,x,1,1,2024-01-03", header=header),
    )
    for file in days:
        add(store, file)
    same(read(store.folder), read(*days))


@hypothesis.settings(max_examples=20, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("123"),
            st.sampled_from(["ann", "ANN ", "bob", ""]),
            st.sampled_from(["tea", "Tea", "7.0", "8"]),
            st.sampled_from(["1", "-1", "0", "x", "2.5"]),
            st.sampled_from(["2024-01-01", "2024-01-02T10:00", "soon", ""]),
            st.integers(0, 2),
        ),
        min_size=3,
        max_size=14,
    )
)
def test_any_exports_in_any_portions(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("portions")
    settings = load_settings(
        write_toml(folder, "[cleaning]\nfold_item_case = true\nfold_customer_case = true")
    )
    sure = "9,eve,tea,1,2,2024-01-01"
    portions = [[sure.replace("9", f"9{day}")] for day in range(3)]
    for *row, day in rows:
        portions[day].append(",".join((*row[:4], "2", row[4])))
    header = HEADER.removesuffix(",title,status")
    files = [write(folder, f"{day}.csv", *some, header=header) for day, some in enumerate(portions)]
    store = OrderStore(folder / "store")
    for file in files:
        add(store, file, settings=settings)
    same(read(store.folder, settings=settings), read(*files, settings=settings))


def write_toml(folder, text):
    file = folder / "cartlift.toml"
    file.write_text(text)
    return file


def test_the_same_export_twice_changes_nothing(store, exports, tmp_path):
    first = add(store, *exports)
    assert (first.parts, first.lines, first.whole) == (2, 8, 8)
    before = (store.folder / MANIFEST).read_bytes()
    again = write(tmp_path / "again", "called-otherwise.csv", *FIRST)
    second = add(store, again, exports[1])
    assert (second.parts, second.lines, second.whole) == (0, 0, 8)
    assert second.known == ("called-otherwise.csv", "tuesday.csv")
    assert (store.folder / MANIFEST).read_bytes() == before


def test_exports_of_one_name_are_told_apart(store, tmp_path):
    for day in ("1", "2", "3"):
        add(store, write(tmp_path / day, "orders.csv", f"{day},ann,tea,1,2,2024-01-0{day},,"))
    assert [part.name for part in store.manifest.parts] == ["orders.csv", "orders.csv (2)", "orders.csv (3)"]


def test_a_day_without_orders_adds_nothing(store, exports, tmp_path):
    add(store, *exports)
    added = add(store, write(tmp_path, "sunday.csv"))
    assert (added.parts, added.empty) == (0, ("sunday.csv",))


def test_an_export_of_which_nothing_can_be_read_leaves_the_store_as_it_was(store, exports, tmp_path):
    add(store, exports[0])
    before = (store.folder / MANIFEST).read_bytes()
    wrong = write(tmp_path, "wrong.csv", "1,ann,tea,1,2,31.12.,,")
    with pytest.raises(DataError, match="not one of 1 lines can be read"):
        add(store, exports[1], wrong)
    assert (store.folder / MANIFEST).read_bytes() == before
    same(read(store.folder), read(exports[0]))
    add(store, exports[1])
    same(read(store.folder), read(*exports))


def test_a_store_can_be_read_together_with_further_files(store, exports):
    add(store, exports[0])
    same(read(store.folder, exports[1]), read(*exports))


def test_lines_put_aside_are_written_from_the_store(store, exports, tmp_path):
    add(store, *exports)
    for sources, name in (((store.folder,), "stored.parquet"), (exports, "at-once.parquet")):
        read(*sources, quarantine=tmp_path / name)
    stored, at_once = (
        pl.read_parquet(tmp_path / name).select("file", "row", "reason", "order_id", "item_id")
        for name in ("stored.parquet", "at-once.parquet")
    )
    assert stored.equals(at_once)


def test_a_damaged_part_is_told(store, exports):
    add(store, *exports)
    part = store.folder / store.manifest.parts[1].file
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"tuesday\.csv.* is not what was added"):
        read(store.folder)


def test_a_store_of_another_version_is_refused(store, exports):
    add(store, *exports)
    file = store.folder / MANIFEST
    file.write_text(file.read_text().replace('"format": 1', '"format": 7'))
    with pytest.raises(DataError, match="format 7, this version reads 1"):
        read(store.folder)


def test_without_its_manifest_a_store_is_refused_and_nothing_is_removed(store, exports):
    add(store, *exports)
    (store.folder / MANIFEST).unlink()
    parts = sorted((store.folder / "parts").iterdir())
    for attempt in (lambda: add(store, exports[0]), lambda: read(store.folder)):
        with pytest.raises(DataError, match=r"restore it from a backup, or name an empty folder"):
            attempt()
    assert sorted((store.folder / "parts").iterdir()) == parts and len(parts) == 2


def test_files_of_somebody_else_stay(store, exports):
    parts = store.folder / "parts"
    parts.mkdir(parents=True)
    ours = ("000007-0123abcd.parquet", ".unfinished.parquet")
    theirs = ("sales.parquet", "000007-0123abcd.parquet.bak", "notes.txt")
    for name in theirs:
        (parts / name).write_bytes(b"")
    add(store, exports[0])
    for name in ours:
        (parts / name).write_bytes(b"")
    add(store, exports[1])
    named = {part.file.removeprefix("parts/") for part in store.manifest.parts}
    assert {path.name for path in parts.iterdir()} == named | set(theirs)


def test_an_export_is_known_whatever_wrote_its_part(store, exports):
    """As after an upgrade of polars: the same values, other bytes."""
    add(store, *exports)
    for part in store.manifest.parts:
        file = store.folder / part.file
        pl.read_parquet(file).write_parquet(file, compression="uncompressed")
        assert digest(file) != part.sha256
    added = add(store, *exports)
    assert (added.parts, added.known) == (0, ("monday.csv", "tuesday.csv"))


def test_values_are_told_apart_by_their_places():
    def of(**columns):
        return digest_of_values(pl.DataFrame(columns))

    assert of(a=["x", "yz"]) == of(a=["x", "yz"])
    told = [
        of(a=["x", "yz"]), of(a=["xy", "z"]), of(a=["x", "yz", ""]), of(a=["x", "yz", None]),
        of(b=["x", "yz"]), of(a=[1.0, None]), of(a=[None, 1.0]), of(a=[1.0, 0.0]), of(a=[1, 0]),
    ]  # fmt: skip
    assert len(set(told)) == len(told)


def test_a_first_addition_killed_midway_is_made_up_for(store, exports):
    words = [sys.executable, "-c", KILLED, str(store.folder), "4", *map(str, exports)]
    assert subprocess.run(words, env=os.environ, check=False).returncode == -signal.SIGKILL
    assert len(list((store.folder / "parts").iterdir())) == 1 and store.manifest.parts == ()
    add(store, *exports)
    same(read(store.folder), read(*exports))


def test_cancellations_are_understood_when_added_and_not_by_later_settings(store, tmp_path):
    rows = (
        "1,ann,tea,1,2,01.01.2024 12:00,Tea,paid,",
        "2,bob,tea,1,2,02.01.2024 12:00,Tea,paid,04.01.2024 00:30",
    )
    text = '[source]\ntimezone = "Europe/Berlin"\ntimestamp_format = "%d.%m.%Y %H:%M"\n'
    settings = load_settings(write_toml(tmp_path, text))
    file = write(tmp_path, "a.csv", *rows, header=HEADER + ",cancelled_at")
    add(store, file, settings=settings)
    # Half past midnight in Berlin is half past eleven in UTC, the day before.
    for until, orders in ((datetime(2024, 1, 3, 23, 29), ("1", "2")), (datetime(2024, 1, 3, 23, 30), ("1",))):
        moment = int(until.replace(tzinfo=UTC).timestamp())
        for then in (
            read(file, settings=settings, until=moment),
            read(store.folder, settings=settings, until=moment),
            read(store.folder, until=moment),
        ):
            assert then.orders.orders.ids == orders


def test_two_updates_at_once_are_refused(store):
    with store.locked(), pytest.raises(ConfigError, match="another update is at work"), store.locked():
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from recommender.training import order_store
from recommender.training.progress import Silent
from recommender.training.settings import load_settings
from recommender.training.sources.canonical import open_orders

left = int(sys.argv[2])

def dying(path):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

order_store._sync = dying
store = order_store.OrderStore(Path(sys.argv[1]))
with store.locked():
    source = load_settings().source
    store.add(open_orders(sys.argv[3:], source, None), source, progress=Silent())
"""


@pytest.mark.parametrize("moment", [1, 2, 4, 5, 6])
def test_killed_at_any_moment_the_store_is_whole_and_the_next_call_goes_on(store, exports, tmp_path, moment):
    """Before and after a part has its name, before and after the manifest has; two parts are written."""
    monday = write(tmp_path, "sunday.csv", "0,ann,tea,1,2,2023-12-31,,paid")
    add(store, monday)
    words = [sys.executable, "-c", KILLED, str(store.folder), str(moment), *map(str, exports)]
    assert subprocess.run(words, env=os.environ, check=False).returncode == -signal.SIGKILL
    found = read(store.folder)
    same(found, read(monday, *exports) if moment == 6 else read(monday))
    add(store, *exports)
    same(read(store.folder), read(monday, *exports))
    parts = {path.name for path in (store.folder / "parts").iterdir()}
    assert parts == {part.file.removeprefix("parts/") for part in store.manifest.parts}
