"""Who was erased is removed from the order store, and does not come back with an export read again."""

from pathlib import Path

import pytest

from recommender.errors import DataError
from recommender.events.private_customers import (
    PrivacyRegister,
    Standing,
    StandingKind,
    Standings,
    privacy_path,
    read_standings,
)
from recommender.training.order_store import Added, OrderStore
from recommender.training.progress import Silent
from recommender.training.settings import load_settings
from recommender.training.sources.canonical import open_orders
from tests.training.test_order_store import FIRST, SECOND, read, write
from tests.training.test_update_command import no_learning, update

__all__ = ["no_learning", "update"]

WHO = "bob"


@pytest.fixture
def store(tmp_path: Path) -> OrderStore:
    return OrderStore(tmp_path / "store")


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path, "monday.csv", *FIRST), write(tmp_path, "tuesday.csv", *SECOND)


def asked(state: Path, kind: StandingKind = "erased", who: str = WHO, since: float = 0.0) -> Standings:
    register = PrivacyRegister(privacy_path(state, "shop"))
    register.set(who, Standing(kind, since))
    register.close()
    return read_standings(state, "shop").erased


def add(store: OrderStore, *files: Path, private: Standings) -> Added:
    with store.locked():
        source = load_settings().source
        return store.add(open_orders(files, source, None), source, private=private, progress=Silent())


def erase(store: OrderStore, private: Standings) -> int:
    with store.locked():
        return store.erase(private, fold=False, progress=Silent())


def parts(store: OrderStore) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.folder.rglob("*.parquet")}


def test_what_stays_is_read_as_if_the_exports_had_never_named_them(
    store: OrderStore, exports: tuple[Path, Path], tmp_path: Path
):
    nobody = read_standings(tmp_path, "shop")
    add(store, *exports, private=nobody)
    before = parts(store)
    private = asked(tmp_path)

    assert erase(store, private) == 3

    assert store.manifest.parts[0].lines == 2 and len(store.manifest.parts) == 2
    after = parts(store)
    assert len(after) == 2 and not set(after.values()) & set(before.values())
    assert read(store.folder).orders.customers.ids == ("ann",)
    # Rows that stay are called as they were.
    (finding,) = [one for one in read(store.folder).findings if one.code == "unreadable_row"]
    assert [(example.file, example.row) for example in finding.examples] == [
        ("monday.csv", 5), ("tuesday.csv", 3), ("tuesday.csv", 4),
    ]  # fmt: skip
    assert erase(store, private) == 0 and parts(store) == after


def test_the_same_export_read_again_changes_nothing(
    store: OrderStore, exports: tuple[Path, Path], tmp_path: Path
):
    add(store, *exports, private=read_standings(tmp_path, "shop"))
    private = asked(tmp_path)
    erase(store, private)
    before = parts(store)
    added = add(store, *exports, private=private)
    assert (added.lines, len(added.known)) == (0, 2) and parts(store) == before


def test_a_part_of_them_alone_goes_as_a_whole(store: OrderStore, tmp_path: Path):
    theirs = write(tmp_path, "theirs.csv", FIRST[1])
    others = write(tmp_path, "others.csv", FIRST[0])
    add(store, theirs, others, private=read_standings(tmp_path, "shop"))
    assert erase(store, asked(tmp_path)) == 1
    assert [part.name for part in store.manifest.parts] == ["others.csv"] and len(parts(store)) == 1
    assert add(store, theirs, private=asked(tmp_path)).empty == ("theirs.csv",)


def test_who_only_opted_out_stays_and_who_came_back_loses_what_was_before(store: OrderStore, tmp_path: Path):
    file = write(tmp_path, "a.csv", FIRST[0], "9,ann,tea,1,2.5,2024-02-01,Green tea,paid")
    add(store, file, private=read_standings(tmp_path, "shop"))
    assert erase(store, asked(tmp_path, "opted_out", "ann")) == 0
    assert erase(store, asked(tmp_path, "returned", "ann", since=1_706_000_000)) == 1
    assert read(store.folder).orders.orders.ids == ("9",)


def test_a_damaged_part_is_refused_and_nothing_is_removed(
    store: OrderStore, exports: tuple[Path, Path], tmp_path: Path
):
    add(store, *exports, private=read_standings(tmp_path, "shop"))
    file = store.folder / store.manifest.parts[1].file
    file.write_bytes(file.read_bytes() + b" ")
    before = parts(store)
    with pytest.raises(DataError, match="is not what was added"):
        erase(store, asked(tmp_path))
    assert parts(store) == before


def test_update_removes_them_and_says_so(
    update, store: OrderStore, exports: tuple[Path, Path], tmp_path: Path
):
    update(*exports, "--state", tmp_path)
    asked(tmp_path)
    _, said = update("--state", tmp_path)
    assert "3 order lines of erased customers were removed" in " ".join(said.split())
    assert read(store.folder).orders.customers.ids == ("ann",)
