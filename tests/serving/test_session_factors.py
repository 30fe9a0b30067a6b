"""Sessions are placed among the factors that a snapshot brings, which workers of a service share."""

import fcntl
import logging

import msgspec
import numpy as np
import pytest

from recommender.ranking.session_factors import SessionFactors
from recommender.serving.factor_files import load_factors
from recommender.serving.follower import SnapshotFollower
from recommender.serving.live_snapshot import load_snapshot
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.factors import FACTORS_KEY, chunks_of, factor_entries, factor_key
from tests.serving.served_shop import ServedShop, ids
from tests.serving.small_shop import ITEMS, POSITIONS, Clock, UnreliableStore, manifest, publish

FOOD, TOOLS = (1.0, 0.0), (0.0, 1.0)
TASTES = {"tea": FOOD, "milk": FOOD, "honey": FOOD, "nails": TOOLS, "hammer": TOOLS, "saw": TOOLS}


def published_factors() -> SessionFactors:
    rows = np.zeros((len(ITEMS), 2), np.float32)
    for item, taste in TASTES.items():
        rows[POSITIONS[item]] = taste
    some = np.full(len(ITEMS), 9)
    return SessionFactors.of(rows, rows.T @ rows, 0.5, listed=some, buyers=some)


def with_factors(snapshot: str, **changed: bytes | None) -> dict[str, bytes | None]:
    factors = published_factors()
    said = msgspec.structs.replace(manifest(snapshot), factor_chunks=chunks_of(factors))
    return {**dict(factor_entries(factors)), entry_key("manifest"): msgspec.json.encode(said), **changed}


@pytest.fixture
def store() -> UnreliableStore:
    store = UnreliableStore()
    publish(store, "monday", with_factors("monday"))
    return store


@pytest.fixture
def shop(store: UnreliableStore) -> ServedShop:
    shop = ServedShop(store)
    shop.follower.poll()
    return shop


def test_what_stands_beside_nothing_is_answered_by_taste(shop: ServedShop):
    # The saw has no list: without factors a session that looked at it is shown best sellers.
    answer = shop.ask(recent=["saw"])
    assert (answer["source"], ids(answer)) == ("session", ["nails", "hammer"])
    assert {item["source"] for item in answer["items"]} == {"als"}


def test_lists_and_taste_are_added_up(shop: ServedShop):
    without = ServedShop()
    publish(without.store)
    without.follower.poll()
    plain, answer = (one.ask(recent=["tea"]) for one in (without, shop))
    assert ids(plain) == ids(answer) == ["milk", "honey"]
    before, now = ({item["item_id"]: item["score"] for item in one["items"]} for one in (plain, answer))
    # Both are food, and as good by the factors: each has as much more.
    assert now["milk"] - before["milk"] == pytest.approx(now["honey"] - before["honey"], abs=2e-3)
    assert now["milk"] - before["milk"] == pytest.approx(0.8, abs=2e-3)


def test_what_may_not_be_shown_is_not(shop: ServedShop):
    assert "saw" not in ids(shop.ask(recent=["nails"]))  # it is out of stock
    assert ids(shop.ask(recent=["saw"], exclude=["nails"])) == ["hammer"]
    assert "tea" not in ids(shop.ask(recent=["tea"]))


def test_reasons_and_explanations_know_of_it(shop: ServedShop):
    answer = shop.ask(recent=["saw"], explain=True, fields=["reason"])
    assert ids(answer) == ["nails", "hammer"]
    assert all("reason" in item for item in answer["items"])
    assert answer["explanation"]["rungs"][0] == {"source": "session", "proposed": 3, "hidden": {
        "unavailable": 1, "asked_about": 1}}  # fmt: skip


def test_workers_of_one_service_share_one_file(store: UnreliableStore, tmp_path):
    first = load_factors(store, with_manifest(), tmp_path)
    asked = store.reads
    second = load_factors(store, with_manifest(), tmp_path)
    assert store.reads == asked + 1  # what they are; the factors themselves are there
    assert names_in(tmp_path) == ["monday"]
    for found in (first, second):
        assert np.array_equal(found.factors, published_factors().factors)
        assert not found.factors.flags.writeable


def names_in(folder) -> list[str]:
    """Snapshots of which there is a file."""
    return sorted(file.name.removeprefix("factors-").rpartition("-")[0] for file in folder.glob("*.npy"))


def with_manifest(snapshot: str = "monday"):
    return msgspec.structs.replace(manifest(snapshot), factor_chunks=1)


def test_files_of_old_snapshots_go(store: UnreliableStore, tmp_path):
    days = ["monday", *(f"day-{number:02}" for number in range(18))]
    kept = None
    for day in days:
        publish(store, day, with_factors(day))
        live = load_snapshot(store, day, tmp_path)
        kept = kept or live.factors
    assert names_in(tmp_path) == sorted(days[-16:])
    # Who still answers from an old one has it.
    assert np.array_equal(kept.factors, published_factors().factors)


@pytest.mark.parametrize("damage", [b"", b"no numbers", None])
def test_a_file_that_holds_something_else_is_written_anew(store: UnreliableStore, tmp_path, damage):
    load_factors(store, with_manifest(), tmp_path)
    (file,) = tmp_path.glob("*.npy")
    if damage is None:
        np.save(file, np.zeros((2, 2), np.float32))
    else:
        file.write_bytes(damage)
    found = load_factors(store, with_manifest(), tmp_path)
    assert np.array_equal(found.factors, published_factors().factors)
    assert np.array_equal(np.load(file), found.factors)


def test_another_publication_of_the_same_id_has_a_file_of_its_own(store: UnreliableStore, tmp_path):
    first = load_factors(store, with_manifest(), tmp_path)
    narrow = SessionFactors.of(
        np.ones((len(ITEMS), 1), np.float32), np.full((1, 1), 7, np.float32), 0.5,
        listed=np.full(len(ITEMS), 9), buyers=np.full(len(ITEMS), 9),
    )  # fmt: skip
    publish(store, "monday", {**with_factors("monday"), **dict(factor_entries(narrow))})
    second = load_factors(store, with_manifest(), tmp_path)
    assert (first.factors.shape[1], second.factors.shape[1]) == (2, 1)


def test_a_worker_does_not_wait_for_ever_for_another_one(store: UnreliableStore, tmp_path, monkeypatch):
    monkeypatch.setattr("recommender.serving.factor_files._LOCK_SECONDS", 0.05)
    with (tmp_path / "factors-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = load_factors(store, with_manifest(), tmp_path)
    assert np.array_equal(found.factors, published_factors().factors)
    assert names_in(tmp_path) == []


def test_the_source_is_the_one_of_the_snapshot(store: UnreliableStore, tmp_path):
    said = msgspec.structs.replace(with_manifest(), sources=("best_sellers", "x", "als"))
    assert load_factors(store, said, tmp_path).source == 2
    assert load_factors(store, msgspec.structs.replace(said, sources=("x",)), tmp_path) is None


def test_where_no_file_can_be_written_a_worker_has_its_own(store: UnreliableStore, tmp_path, caplog):
    folder = tmp_path / "gone"
    with caplog.at_level(logging.WARNING):
        found = load_factors(store, with_manifest(), folder)
    assert np.array_equal(found.factors, published_factors().factors)
    assert "keeps item factors for itself" in caplog.text


@pytest.mark.parametrize("key", [FACTORS_KEY, factor_key(0)])
@pytest.mark.parametrize("value", [None, b"?"])
def test_a_snapshot_whose_factors_are_damaged_is_refused(store: UnreliableStore, tmp_path, key, value):
    follower = SnapshotFollower(store, Clock(), tmp_path)
    follower.poll()
    publish(store, "tuesday", with_factors("tuesday", **{key: value}))
    follower.poll()
    assert follower.live.id == "monday"
    assert "item factors" in follower.trouble
    assert names_in(tmp_path) == ["monday"]


def test_a_snapshot_without_factors_is_served_as_ever():
    shop = ServedShop()
    publish(shop.store)
    shop.follower.poll()
    assert shop.follower.live.factors is None
    assert shop.ask(recent=["saw"])["source"] == "best_sellers"
