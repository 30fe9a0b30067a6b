import json
import math
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import redis
from click.testing import CliRunner, Result

from recommender.errors import RecommenderError, SnapshotMissing, SnapshotUnreadable, StoreUnavailable
from recommender.ranking.lists import ListTable
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.encoding import ItemRecord, StoredManifest, encode_items, entry_key
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry, PublicationSize, SnapshotStore
from recommender.training.commands.publish import publish as publish_command
from recommender.training.commands.publish import publish_to_redis, rollback, snapshots
from recommender.training.publish import SAMPLE, PublicationPlan, publish, readable
from tests.snapshot.snapshots import small_snapshot

READ_FIRST = 3
"""Entries of `Lists` that a service reads first: an item table of one chunk, best sellers, the manifest."""


@dataclass(frozen=True)
class Lists:
    """A publication of `n` entries, always the same for one id; a customer's list has `places` items."""

    snapshot_id: str
    n: int = 25
    places: int = 7

    def entries(self) -> Iterator[Entry]:
        items = [ItemRecord(str(number)) for number in range(256)]
        for chunk, value in enumerate(encode_items(items)):
            yield entry_key("items", str(chunk)), value
        yield entry_key("best-sellers"), b""
        chance = random.Random(self.snapshot_id)
        for customer in range(self.n - READ_FIRST):
            yield entry_key("customer", str(10_000_000 + customer)), self.row(chance)
        yield entry_key("manifest"), msgspec.json.encode(self.manifest())

    def row(self, chance: random.Random) -> bytes:
        places = chance.sample(range(256), self.places)
        return struct.pack(f"<B{self.places}I{self.places}e", 6, *places, *(0.5 for _ in places))

    def manifest(self) -> StoredManifest:
        return StoredManifest(
            format=1,
            snapshot=self.snapshot_id,
            generated_at="2026-11-21T05:00:00Z",
            data_until="2026-11-21T04:00:00Z",
            sources=("best_sellers",),
            n_customers=self.n - READ_FIRST,
            n_items=256,
            item_chunks=1,
            categories=(),
            pages={},
        )


def size_of(source: Lists) -> int:
    return sum(len(key.encode()) + len(value) for key, value in source.entries())


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> SnapshotStore:
    return MemoryStore() if request.param == "memory" else request.getfixturevalue("redis_store")


def test_a_publication_is_live_whole_and_the_one_before_is_kept(store: SnapshotStore) -> None:
    publish(Lists("monday"), store)
    report = publish(Lists("tuesday"), store)
    assert (report.snapshot, report.previous) == ("tuesday", "monday")
    assert (report.entries, report.compared, report.already_active) == (25, 25, False)
    for snapshot in ("tuesday", "monday"):
        expected = dict(Lists(snapshot).entries())
        assert store.read(snapshot, list(expected)) == list(expected.values())
    assert store.active_id() == "tuesday"


def test_publishing_what_is_live_and_whole_does_nothing(store: SnapshotStore) -> None:
    first = publish(Lists("monday"), store)
    heard: list[PublicationPlan] = []
    again = publish(Lists("monday"), store, announce=heard.append)
    assert again.already_active and again.repaired is None and not heard
    assert (again.snapshot, again.previous, again.entries, again.size) == ("monday", None, 25, first.size)
    assert again.compared == 25


def test_publishing_what_is_live_repairs_what_it_lost(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(Lists("sunday"), redis_store)
    publish(Lists("monday"), redis_store)
    redis_client.delete(*redis_client.keys("cartlift:1:shop:monday:customer:*"))
    report = publish(Lists("monday"), redis_store)
    assert (report.repaired, report.previous, report.already_active) == (22, "sunday", True)
    redis_client.set("cartlift:1:shop:monday:items:{0}", "something else")
    assert publish(Lists("monday"), redis_store).repaired == 1
    assert publish(Lists("monday"), redis_store).repaired is None
    redis_store.verify("monday", dict(Lists("monday").entries()))


@pytest.mark.parametrize("lost", ["snapshots", "pointer", "keys:monday:0", "snapshots pointer", "shop"])
def test_whatever_bookkeeping_is_lost_publishing_rebuilds_it(
    redis_store: RedisStore, redis_client: redis.Redis, lost: str
) -> None:
    publish(Lists("monday"), redis_store)
    for name in lost.split():
        redis_client.delete(f"cartlift:1:{{shop}}:{name}")
    if lost == "shop":
        redis_client.flushall()
    assert publish(Lists("monday"), redis_store).snapshot == "monday"
    assert [(s.snapshot, s.state, s.entries) for s in redis_store.snapshots()] == [("monday", "active", 25)]
    assert publish(Lists("monday"), redis_store).repaired is None
    publish(Lists("tuesday"), redis_store)
    assert redis_store.roll_back() == "monday"
    assert redis_client.dbsize() == 2 + 2 * (25 + 3)


def test_another_snapshot_can_be_published_when_the_registry_of_the_live_one_is_lost(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(Lists("monday"), redis_store)
    redis_client.delete("cartlift:1:{shop}:snapshots")
    assert publish(Lists("tuesday"), redis_store).previous is None
    with pytest.raises(SnapshotMissing, match="the previous snapshot monday is not whole in Redis any more"):
        redis_store.roll_back()


# --- what a reader would refuse -----------------------------------------------------------------------------

CUSTOMER = entry_key("customer", "10000003")
UNREADABLE: dict[str, tuple[str, bytes | None, str]] = {
    "a list that is not whole": (CUSTOMER, bytes(7), "is not whole"),
    "a score that is no number": (CUSTOMER, struct.pack("<BIe", 6, 3, math.inf), "no finite number"),
    "an item beyond the table": (CUSTOMER, struct.pack("<BIe", 6, 256, 0.5), "beyond the table of 256"),
    "a source nobody knows": (CUSTOMER, struct.pack("<BIe", 6, 1 << 24, 0.5), "names a source"),
    "an item twice": (CUSTOMER, struct.pack("<BIIee", 6, 3, 3, 0.5, 0.5), "an item twice"),
    "no item table": (entry_key("items", "0"), None, "is missing"),
    "a damaged item table": (entry_key("items", "0"), b"x", "item table cannot be read"),
    "a short item table": (entry_key("items", "0"), next(encode_items([ItemRecord("a")])), "1 items in"),
    "no best sellers": (entry_key("best-sellers"), None, "is missing"),
    "no manifest": (entry_key("manifest"), None, "is missing"),
    "another format": (entry_key("manifest"), b'{"format": 2}', "has format 2"),
    "another snapshot's manifest": (
        entry_key("manifest"),
        msgspec.json.encode(Lists("sunday").manifest()),
        "calls it sunday",
    ),
}


@dataclass(frozen=True)
class Altered:
    """A publication with one entry replaced, or left out."""

    source: Lists
    key: str
    value: bytes | None

    @property
    def snapshot_id(self) -> str:
        return self.source.snapshot_id

    def entries(self) -> Iterator[Entry]:
        for key, value in self.source.entries():
            if key != self.key:
                yield key, value
            elif self.value is not None:
                yield key, self.value


@pytest.mark.parametrize(("key", "value", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_no_service_could_read_is_refused_before_anything_is_written(
    store: SnapshotStore, key: str, value: bytes | None, reason: str
) -> None:
    publish(Lists("monday"), store)
    with pytest.raises(SnapshotUnreadable, match=reason) as refused:
        publish(Altered(Lists("tuesday"), key, value), store)
    assert "what was live stays live" in str(refused.value)
    assert [(s.snapshot, s.state) for s in store.snapshots()] == [("monday", "active")]


def test_a_snapshot_whose_lists_cannot_be_encoded_is_refused(store: SnapshotStore) -> None:
    sound = small_snapshot()
    table = sound.lists.similar
    broken = ListTable(
        table.starts, table.items, np.full_like(table.scores, np.nan), table.sources, table.bought
    )
    with pytest.raises(SnapshotUnreadable, match="no service could read"):
        publish(Publication(replace(sound, lists=replace(sound.lists, similar=broken))), store)
    assert store.snapshots() == []


# --- what it takes ------------------------------------------------------------------------------------------


def test_old_snapshots_go_but_for_two(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    for snapshot in ("monday", "tuesday", "wednesday"):
        publish(Lists(snapshot), redis_store)
    # Readers may not have noticed the switch away from monday, so it is dropped with the next publication.
    assert [s.snapshot for s in redis_store.snapshots()] == ["wednesday", "tuesday", "monday"]
    redis_store.prune(grace=0)
    assert [s.snapshot for s in redis_store.snapshots()] == ["wednesday", "tuesday"]


def test_what_somebody_left_unfinished_is_cleared_away_first(store: SnapshotStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.write("abandoned", cut_short(Lists("abandoned"), 15))
    plans: list[list[str]] = []
    publish(Lists("monday"), store, announce=lambda _: plans.append([s.snapshot for s in store.snapshots()]))
    assert plans == [[]]


def test_an_interrupted_publication_goes_on_and_needs_only_the_rest(store: SnapshotStore) -> None:
    whole: list[PublicationPlan] = []
    with pytest.raises(KeyboardInterrupt):
        store.write("monday", cut_short(Lists("monday"), 22))
    publish(Lists("monday"), store, announce=whole.append)
    assert whole[0].size == PublicationSize(25, size_of(Lists("monday")))
    assert 0 < whole[0].there < 25
    assert whole[0].capacity.needed < store.capacity(25, whole[0].size.size).needed
    store.verify("monday", dict(Lists("monday").entries()))


def cut_short(source: Lists | Publication, after: int) -> Iterator[Entry]:
    for _, entry in zip(range(after), source.entries(), strict=False):
        yield entry
    raise KeyboardInterrupt


def test_what_it_will_take_is_announced_before_anything_is_written(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    heard: list[tuple[PublicationPlan, int]] = []
    publish(
        Lists("monday"),
        redis_store,
        announce=lambda plan: heard.append((plan, redis_client.exists("cartlift:1:{shop}:snapshots"))),
    )
    ((plan, written),) = heard
    assert plan.snapshot == "monday" and plan.size.entries == 25 and plan.capacity.free is None
    assert not written


@pytest.mark.parametrize(("n", "places"), [(3_000, 50), (20_000, 10), (70_000, 50), (8_192, 4), (2_000, 250)])
def test_the_announced_memory_is_near_what_redis_really_takes(
    redis_client: redis.Redis, n: int, places: int
) -> None:
    before = redis_client.info("memory")["used_memory"]
    report = publish(Lists("20261121T040000Z-01234567", n, places), RedisStore(redis_client, "shop"))
    taken = redis_client.info("memory")["used_memory"] - before
    assert report.needed == pytest.approx(taken, rel=0.06)


def test_without_room_it_is_refused_before_anything_is_written(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(Lists("monday"), redis_store)
    used = redis_client.info("memory")["used_memory"]
    redis_client.config_set("maxmemory", used + 100_000)
    with pytest.raises(
        StoreUnavailable, match=r"needs .* MB of memory, .* has only .* kB left: raise its maxmemory"
    ):
        publish(Lists("tuesday", 10_000), redis_store)
    assert [s.snapshot for s in redis_store.snapshots()] == ["monday"]
    publish(Lists("tuesday", 100), redis_store)


def test_a_thousand_entries_and_what_is_read_first_are_compared_and_the_seed_says_which() -> None:
    class Remembers(MemoryStore):
        compared: frozenset[str] = frozenset()

        def verify(self, snapshot: str, sample: Any) -> None:
            self.compared = frozenset(sample)
            super().verify(snapshot, sample)

    stores = [Remembers(), Remembers(), Remembers()]
    for store, seed in zip(stores, (1, 1, 2), strict=True):
        assert publish(Lists("monday", 3_000), store, seed=seed).compared == READ_FIRST + SAMPLE
    assert stores[0].compared == stores[1].compared != stores[2].compared
    assert {entry_key("manifest"), entry_key("items", "0"), entry_key("best-sellers")} < stores[2].compared


def test_what_the_store_did_not_keep_never_goes_live(redis_client: redis.Redis) -> None:
    class Forgetful(RedisStore):
        def write(self, snapshot: str, *arguments: Any, **options: Any) -> None:
            super().write(snapshot, *arguments, **options)
            redis_client.set(f"cartlift:1:shop:{snapshot}:customer:{{10000003}}", "something else")

    store = RedisStore(redis_client, "shop")
    publish(Lists("monday"), store)
    with pytest.raises(SnapshotUnreadable, match="1 of 25 looked at are wrong"):
        publish(Lists("tuesday"), Forgetful(redis_client, "shop"))
    assert store.active_id() == "monday"
    publish(Lists("tuesday"), store)
    assert store.active_id() == "tuesday"


def test_a_snapshot_that_is_to_be_kept_is_not_dropped(store: SnapshotStore) -> None:
    def there() -> set[str]:
        return {stored.snapshot for stored in store.snapshots()}

    publish(Lists("monday"), store)
    store.write("of-a-variant", list(Lists("of-a-variant").entries()))
    publish(Lists("tuesday"), store, keep=["of-a-variant"])
    assert there() == {"of-a-variant", "monday", "tuesday"}
    publish(Lists("wednesday"), store)
    assert "of-a-variant" not in there()


def test_a_failure_to_drop_old_snapshots_does_not_undo_a_publication() -> None:
    class CannotPruneLater(MemoryStore):
        def prune(self, **options: Any) -> list[str]:
            if "keep" not in options:
                raise StoreUnavailable("gone")
            return super().prune(**options)

    report = publish(Lists("monday"), CannotPruneLater())
    assert report.dropped == () and report.snapshot == "monday"


def test_sizes_are_said_as_people_say_them() -> None:
    assert [readable(n) for n in (745, 12_345, 1_204_000_000)] == ["745 bytes", "12.3 kB", "1,204.0 MB"]


# --- command line -------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Three snapshots on disk."""
    return [str(written(tmp_path / str(seed), seed)) for seed in range(3)]


def written(folder: Path, seed: int) -> Path:
    write_snapshot(small_snapshot(seed=seed), folder)
    return folder


def run(command: Any, *arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_publish_says_what_is_live_and_how_to_go_back(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    first = run(publish_command, folders[0], "--redis", redis_url).stdout
    assert "19 entries" in first and "of memory in Redis (no limit is set)" in first
    assert "; a customer about " in first and " of them for the list" in first
    assert "no previous one" in first and "rollback" not in first
    *_, last = run(publish_command, folders[1], "--redis", redis_url).stdout.splitlines()
    assert last.startswith("live: 20111209T125000Z-") and ", previous: 20111209T125000Z-" in last
    assert last.endswith("roll back with `cartlift rollback`")
    again = run(publish_command, folders[1], "--redis", redis_url).stdout
    assert "was live already, all entries are there, 19 compared: nothing to do" in again


def test_publishing_a_damaged_live_snapshot_says_what_was_repaired(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    run(publish_command, folders[0], "--redis", redis_url)
    redis_client.delete(*redis_client.keys("cartlift:1:shop:*:customer-page:*"))
    told = run(publish_command, folders[0], "--redis", redis_url).stdout
    assert "was live already, repaired 1 entry" in told
    redis_client.delete("cartlift:1:{shop}:snapshots")
    assert "Redis lost what it noted about the active one" in run(snapshots, "--redis", redis_url).stdout
    told = run(publish_command, folders[0], "--redis", redis_url).stdout
    assert "every entry was right, rebuilt what Redis notes about them" in told


def test_an_interrupted_publication_says_how_much_is_there_already(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    source = Publication(write_snapshot(small_snapshot(), folder))
    with pytest.raises(KeyboardInterrupt):
        RedisStore(redis_client, "shop", entries_per_chunk=5).write(source.snapshot_id, cut_short(source, 11))
    told = run(publish_command, str(folder), "--redis", redis_url).stdout
    assert "5 of them are there already, the rest takes about " in told


def test_what_is_there_already_is_not_written_again(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    for folder in folders[:2]:
        run(publish_command, folder, "--redis", redis_url)
    told = run(publish_command, folders[0], "--redis", redis_url).stdout
    assert "all of them are there already" in told


@pytest.mark.parametrize(
    ("command", "gate"),
    [(publish_command, " 1 the gate is against it,"), (snapshots, ""), (rollback, "")],
)
def test_help_names_the_exit_codes(command: Any, gate: str) -> None:
    told = " ".join(run(command, "--help").stdout.split())
    assert f"Exit codes: 0 done,{gate} 2 a setting is wrong, 4 the snapshot or Redis cannot be used." in told


def test_whoever_waits_for_a_killed_publisher_is_told_so(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    redis_client.set("cartlift:1:{shop}:publisher", "somebody", px=1_000)
    told = run(publish_command, folders[0], "--redis", redis_url).stdout
    assert told.count("Another publisher has not finished: waiting up to 10 s") == 1


def test_snapshots_lists_them_and_rollback_goes_back(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    assert "Nothing has been published yet" in run(snapshots, "--redis", redis_url).stdout
    for folder in folders:
        run(publish_command, folder, "--redis", redis_url)
    table = run(snapshots, "--redis", redis_url).stdout
    assert [word in table for word in ("active", "previous", "complete")] == [True] * 3
    assert run(rollback, "--redis", redis_url).stdout.splitlines()[-1].startswith("live: ")


def test_json_is_one_object_and_nothing_else(
    redis_client: redis.Redis, redis_url: str, folders: list[str]
) -> None:
    first, second = (
        json.loads(run(publish_command, f, "--redis", redis_url, "--json").stdout) for f in folders[:2]
    )
    assert first["previous"] is None and second["previous"] == first["snapshot"]
    assert (second["entries"], second["already_active"], second["dropped"]) == (19, False, [])
    listed = json.loads(run(snapshots, "--redis", redis_url, "--json").stdout)["snapshots"]
    assert [(s["snapshot"], s["state"]) for s in listed] == [
        (second["snapshot"], "active"),
        (first["snapshot"], "previous"),
    ]
    back = json.loads(run(rollback, "--redis", redis_url, "--json").stdout)
    assert back == {"snapshot": first["snapshot"], "previous": second["snapshot"]}


def test_shops_are_published_apart(redis_client: redis.Redis, redis_url: str, folders: list[str]) -> None:
    run(publish_command, folders[0], "--redis", redis_url, "--shop", "garden")
    assert "Nothing has been published yet" in run(snapshots, "--redis", redis_url).stdout
    assert RedisStore(redis_client, "garden").active_id()


def test_without_a_redis_our_own_keeps_the_snapshot_for_the_next_command(
    folders: list[str], tmp_path: Path
) -> None:
    state = str(tmp_path / "state")
    published = json.loads(run(publish_command, folders[0], "--state", state, "--json").stdout)
    listed = json.loads(run(snapshots, "--state", state, "--json").stdout)["snapshots"]
    assert [(s["snapshot"], s["state"]) for s in listed] == [(published["snapshot"], "active")]


def test_a_snapshot_can_be_published_from_memory(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    snapshot = write_snapshot(small_snapshot(), tmp_path / "1")
    report = publish_to_redis(snapshot, tmp_path / "unused", "demo", redis_url)
    assert RedisStore(redis_client, "demo").active_id() == report.snapshot == snapshot.snapshot_id


def test_training_the_same_again_replaces_the_entries_that_tell_the_time(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    store = RedisStore(redis_client, "shop")
    for seed, generated_at in (
        (0, "2011-12-10T03:00:00Z"),
        (1, "2011-12-10T03:00:00Z"),
        (0, "2026-01-01T00:00:00Z"),
    ):
        fresh = small_snapshot(seed=seed)
        manifest = type(fresh.manifest)(**{**as_dict(fresh.manifest), "generated_at": generated_at})
        folder = tmp_path / f"{seed} {generated_at}"
        publish(Publication(write_snapshot(replace(fresh, manifest=manifest), folder)), store)
    (manifest_entry,) = store.read(store.active_id(), [entry_key("manifest")])
    assert manifest_entry is not None and b"2026-01-01" in manifest_entry


def test_training_the_live_snapshot_again_is_no_damage_and_changes_nothing(store: SnapshotStore) -> None:
    publish(Lists("monday"), store)
    later = msgspec.structs.replace(Lists("monday").manifest(), generated_at="2026-11-22T05:00:00Z")
    again = Altered(Lists("monday"), entry_key("manifest"), msgspec.json.encode(later))
    assert publish(again, store).repaired is None
    store.verify("monday", dict(Lists("monday").entries()))


def as_dict(manifest: Any) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in manifest.__struct_fields__}


def test_refusals_have_the_words_of_the_project(folders: list[str], tmp_path: Path) -> None:
    for arguments in (
        [folders[0], "--redis", "redis://127.0.0.1:1"],
        [folders[0], "--redis", "nonsense"],
        [str(tmp_path / "none")],
    ):
        result = CliRunner().invoke(publish_command, arguments)
        assert isinstance(result.exception, RecommenderError)
