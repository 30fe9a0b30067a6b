import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from recommender.errors import RecommenderError, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.store import Entry, PublicationSize, SnapshotStore
from recommender.training.commands.publish import publish as publish_command
from recommender.training.commands.publish import publish_to_redis, rollback, snapshots
from recommender.training.publish import SAMPLE, PublicationPlan, publish, readable
from tests.snapshot.snapshots import small_snapshot


@dataclass(frozen=True)
class Lists:
    """A publication of random lists, always the same for one id."""

    snapshot_id: str
    n: int = 25
    length: int = 40

    def entries(self) -> Iterator[Entry]:
        chance = random.Random(self.snapshot_id)
        for customer in range(self.n):
            yield entry_key("customer", str(10_000_000 + customer)), chance.randbytes(self.length)


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


def test_publishing_what_is_live_does_nothing(store: SnapshotStore) -> None:
    first = publish(Lists("monday"), store)
    heard: list[PublicationPlan] = []
    again = publish(Lists("monday"), store, announce=heard.append)
    assert again.already_active and not heard
    assert (again.snapshot, again.previous, again.entries, again.size) == ("monday", None, 25, first.size)


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
    assert whole[0].size == PublicationSize(25, 25 * (len("customer:{10000000}") + 40))
    assert whole[0].capacity.needed < store.capacity(25, whole[0].size.size).needed
    store.verify("monday", dict(Lists("monday").entries()))


def cut_short(source: Lists, after: int) -> Iterator[Entry]:
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


@pytest.mark.parametrize(
    ("n", "length"), [(3_000, 300), (20_000, 60), (70_000, 300), (8_192, 24), (2_000, 1_500)]
)
def test_the_announced_memory_is_near_what_redis_really_takes(
    redis_client: redis.Redis, n: int, length: int
) -> None:
    before = redis_client.info("memory")["used_memory"]
    report = publish(Lists("20261121T040000Z-01234567", n, length), RedisStore(redis_client, "shop"))
    taken = redis_client.info("memory")["used_memory"] - before
    assert report.needed == pytest.approx(taken, rel=0.25)


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


def test_a_thousand_entries_are_compared_and_the_seed_says_which() -> None:
    class Remembers(MemoryStore):
        compared: frozenset[str] = frozenset()

        def verify(self, snapshot: str, sample: Any) -> None:
            self.compared = frozenset(sample)
            super().verify(snapshot, sample)

    stores = [Remembers(), Remembers(), Remembers()]
    for store, seed in zip(stores, (1, 1, 2), strict=True):
        assert publish(Lists("monday", 3_000), store, seed=seed).compared == SAMPLE
    assert stores[0].compared == stores[1].compared != stores[2].compared


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
    assert "13 entries" in first and "of memory in Redis (no limit is set)" in first
    assert "no previous one" in first and "rollback" not in first
    *_, last = run(publish_command, folders[1], "--redis", redis_url).stdout.splitlines()
    assert last.startswith("live: 20111209T125000Z-") and ", previous: 20111209T125000Z-" in last
    assert last.endswith("roll back with `cartlift rollback`")
    assert "was live already, nothing done" in run(publish_command, folders[1], "--redis", redis_url).stdout


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
    assert (second["entries"], second["already_active"], second["dropped"]) == (13, False, [])
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
