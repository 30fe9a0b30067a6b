"""What every store promises; the checks are the ones that STYLE lists by name."""

import random
from collections.abc import Iterator

import pytest
import redis

from recommender.errors import SnapshotError, SnapshotMissing, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.encoding import decode_manifest, entry_key
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.store import Capacity, Entry, SnapshotStore, StoredSnapshot

ANN = entry_key("customer", "ann")
BOB = entry_key("customer", "bob {the builder}/ä€")
NOBODY = entry_key("customer", "nobody")


@pytest.fixture(params=["memory", "redis", "cluster"])
def store(request: pytest.FixtureRequest) -> SnapshotStore:
    if request.param == "memory":
        return MemoryStore()
    stored: RedisStore = request.getfixturevalue(f"{request.param}_store")
    return stored


def entries(word: str, n: int = 2) -> list[Entry]:
    """Entries whose values tell which snapshot they are from."""
    more = [(entry_key("customer", str(c)), f"{word} {c}".encode()) for c in range(n - 2)]
    return [(ANN, word.encode()), (BOB, word.upper().encode()), *more]


def publish(store: SnapshotStore, *snapshots: str) -> None:
    for snapshot in snapshots:
        store.write(snapshot, entries(snapshot))
        store.activate(snapshot)


def states(store: SnapshotStore) -> list[tuple[str, str]]:
    return [(stored.snapshot, stored.state) for stored in store.snapshots()]


def interrupted(all_entries: list[Entry], after: int) -> Iterator[Entry]:
    yield from all_entries[:after]
    raise KeyboardInterrupt


def test_half_written_is_invisible(store: SnapshotStore) -> None:
    publish(store, "monday")
    with pytest.raises(KeyboardInterrupt):
        store.write("tuesday", interrupted(entries("tuesday", 100), after=55))
    assert store.active_id() == "monday"
    assert store.read("monday", [ANN, BOB]) == [b"monday", b"MONDAY"]
    assert ("tuesday", "unfinished") in states(store)


def test_written_but_not_activated_is_invisible(store: SnapshotStore) -> None:
    publish(store, "monday")
    store.write("tuesday", entries("tuesday"))
    assert store.active_id() == "monday"
    assert states(store) == [("monday", "active"), ("tuesday", "complete")]


def test_a_missing_key_is_none(store: SnapshotStore) -> None:
    publish(store, "monday")
    assert store.read("monday", [NOBODY, ANN, NOBODY]) == [None, b"monday", None]
    assert store.read("sunday", [ANN]) == [None]
    assert store.read("monday", []) == []


def test_nothing_published_is_snapshot_missing(store: SnapshotStore) -> None:
    with pytest.raises(SnapshotMissing, match="cartlift publish"):
        store.active_id()
    assert store.snapshots() == []
    store.write("monday", entries("monday"))
    with pytest.raises(SnapshotMissing, match="cartlift publish"):
        store.active_id()


def test_activating_what_was_not_written_is_refused(store: SnapshotStore) -> None:
    publish(store, "monday")
    with pytest.raises(KeyboardInterrupt):
        store.write("tuesday", interrupted(entries("tuesday", 100), after=55))
    for snapshot in ("tuesday", "never"):
        with pytest.raises(SnapshotMissing, match=snapshot):
            store.activate(snapshot)
    assert store.active_id() == "monday"


def test_roll_back_restores_the_previous_answers(store: SnapshotStore) -> None:
    publish(store, "monday", "tuesday")
    assert store.roll_back() == "monday"
    assert store.read(store.active_id(), [ANN, BOB]) == [b"monday", b"MONDAY"]
    assert states(store) == [("monday", "active"), ("tuesday", "previous")]
    assert store.roll_back() == "tuesday"
    assert store.read(store.active_id(), [ANN, BOB]) == [b"tuesday", b"TUESDAY"]


def test_roll_back_without_a_previous_snapshot_is_snapshot_missing(store: SnapshotStore) -> None:
    with pytest.raises(SnapshotMissing):
        store.roll_back()
    publish(store, "monday")
    with pytest.raises(SnapshotMissing):
        store.roll_back()


def test_activating_the_active_snapshot_changes_nothing(store: SnapshotStore) -> None:
    publish(store, "monday", "tuesday")
    store.activate("tuesday")
    assert states(store) == [("tuesday", "active"), ("monday", "previous")]


def test_pruning_keeps_the_active_and_the_previous(store: SnapshotStore) -> None:
    publish(store, "monday", "tuesday", "wednesday")
    store.write("thursday", entries("thursday"))
    with pytest.raises(KeyboardInterrupt):
        store.write("friday", interrupted(entries("friday", 100), after=55))
    assert sorted(store.prune(grace=0)) == ["friday", "monday", "thursday"]
    assert states(store) == [("wednesday", "active"), ("tuesday", "previous")]
    assert store.read("wednesday", [ANN, BOB]) == [b"wednesday", b"WEDNESDAY"]
    assert store.read("tuesday", [ANN, BOB]) == [b"tuesday", b"TUESDAY"]
    assert all(store.read(dropped, [ANN]) == [None] for dropped in ("monday", "thursday", "friday"))
    assert store.prune(grace=0) == []


def test_pruning_leaves_what_it_is_told_to_keep(store: SnapshotStore) -> None:
    publish(store, "monday")
    store.write("tuesday", entries("tuesday"))
    assert store.prune(keep=["tuesday"], grace=0) == []
    store.activate("tuesday")


def test_a_pruned_snapshot_can_be_published_again(store: SnapshotStore) -> None:
    publish(store, "monday", "tuesday", "wednesday")
    store.prune(grace=0)
    with pytest.raises(SnapshotMissing):
        store.activate("monday")
    publish(store, "monday")
    assert store.read(store.active_id(), [ANN]) == [b"monday"]


def test_a_reader_across_an_activation_sees_all_old_or_all_new(store: SnapshotStore) -> None:
    publish(store, "monday")
    reader = store.active_id()
    first_half = store.read(reader, [ANN])
    publish(store, "tuesday")
    store.prune()
    assert first_half + store.read(reader, [BOB]) == [b"monday", b"MONDAY"]
    assert store.read(store.active_id(), [ANN, BOB]) == [b"tuesday", b"TUESDAY"]


def test_another_format_version_is_refused_with_the_remedy(store: SnapshotStore) -> None:
    store.write("monday", [(entry_key("manifest"), b'{"format": 999}')])
    store.activate("monday")
    (manifest,) = store.read(store.active_id(), [entry_key("manifest")])
    assert manifest is not None
    with pytest.raises(SnapshotUnreadable, match="publish again with the matching trainer, or upgrade"):
        decode_manifest(manifest)


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 100, 2_345])
def test_more_entries_than_one_pipeline_chunk_arrive_whole(store: SnapshotStore, n: int) -> None:
    expected = entries("monday", n)[:n]
    heard: list[int] = []
    store.write("monday", iter(expected), progress=heard.append)
    store.verify("monday", dict(expected))
    store.activate("monday")
    assert store.read("monday", [key for key, _ in expected]) == [value for _, value in expected]
    size = sum(len(key.encode()) + len(value) for key, value in expected)
    assert store.snapshots() == [StoredSnapshot("monday", "active", n, size)]
    assert heard == sorted(heard) and heard[-1:] == [n][:n]


def test_any_bytes_and_any_ids_come_back_as_they_were(store: SnapshotStore) -> None:
    random_ = random.Random(1)
    ids = ["", "{}", "}{", "a b", "a\nb", "ä€😀", "*", "a:b", "%", "\x00", "x" * 256]
    expected = {entry_key("customer", id_): random_.randbytes(random_.randrange(400)) for id_ in ids}
    store.write("monday", expected.items())
    assert store.read("monday", list(expected)) == list(expected.values())


@pytest.mark.parametrize("after", [0, 5, 10, 55, 99])
def test_an_interrupted_write_goes_on_where_it_stopped(store: SnapshotStore, after: int) -> None:
    everything = entries("monday", 100)
    with pytest.raises(KeyboardInterrupt):
        store.write("monday", interrupted(everything, after))
    store.write("monday", iter(everything))
    store.verify("monday", dict(everything))
    store.activate("monday")
    assert store.read("monday", [key for key, _ in everything]) == [value for _, value in everything]


def test_writing_the_same_snapshot_twice_changes_nothing(store: SnapshotStore) -> None:
    publish(store, "monday")
    publish(store, "monday")
    assert states(store) == [("monday", "active")]
    assert store.read("monday", [ANN, BOB]) == [b"monday", b"MONDAY"]


@pytest.mark.parametrize("before", [25, 55, 60])
@pytest.mark.parametrize("now", [5, 20, 55, 80])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "cut short"])
def test_other_entries_under_the_same_id_replace_those_of_before(
    store: SnapshotStore, before: int, now: int, whole: bool
) -> None:
    if whole:
        store.write("monday", entries("sunday", before))
    else:
        with pytest.raises(KeyboardInterrupt):
            store.write("monday", interrupted(entries("sunday", before), before))
    expected = entries("monday", now)
    store.write("monday", expected)
    store.verify("monday", dict(expected))
    gone = [key for key, _ in entries("sunday", before) if key not in dict(expected)]
    assert store.read("monday", gone) == [None] * len(gone)


def test_a_sample_that_differs_is_refused_and_the_next_write_starts_over(store: SnapshotStore) -> None:
    publish(store, "sunday")
    store.write("monday", entries("monday"))
    with pytest.raises(SnapshotUnreadable, match=r"monday.*publish"):
        store.verify("monday", {ANN: b"tea"})
    with pytest.raises(SnapshotMissing):
        store.activate("monday")
    with pytest.raises(SnapshotMissing):
        store.verify("monday", {})
    publish(store, "monday")
    assert states(store) == [("monday", "active"), ("sunday", "previous")]


def test_a_live_snapshot_that_differs_stays_whole_and_live_until_it_is_repaired(store: SnapshotStore) -> None:
    publish(store, "sunday", "monday")
    with pytest.raises(SnapshotUnreadable):
        store.verify("monday", {ANN: b"tea"})
    assert states(store) == [("monday", "active"), ("sunday", "previous")]
    store.verify("monday", dict(entries("monday")))
    assert store.read("monday", [ANN, BOB]) == [b"monday", b"MONDAY"]


@pytest.mark.parametrize("n", [0, 1, 10, 11, 55])
def test_a_repair_sets_what_is_missing_or_different_and_nothing_else(store: SnapshotStore, n: int) -> None:
    publish(store, "sunday")
    store.write("monday", entries("monday", 33)[:n])
    store.activate("monday")
    right = [(ANN, b"tea"), *entries("monday", 55)[1:]]
    heard: list[int] = []
    assert store.repair("monday", iter(right), progress=heard.append) == 55 - max(min(n, 33) - 1, 0)
    assert store.repair("monday", right) == 0
    store.verify("monday", dict(right))
    assert states(store) == [("monday", "active"), ("sunday", "previous")]
    size = sum(len(key.encode()) + len(value) for key, value in right)
    assert store.snapshots()[0] == StoredSnapshot("monday", "active", 55, size)
    assert heard == sorted(heard) and heard[-1] == 55


def test_a_repair_drops_what_is_not_of_the_snapshot(store: SnapshotStore) -> None:
    publish(store, "monday", "tuesday")
    right, surplus = [e for e in entries("tuesday") if e[0] != BOB], [("page:{8}", b""), ("page:{9}", b"")]
    store.repair("tuesday", [*surplus, *entries("tuesday"), ("page:{7}", b"")])
    assert store.repair("tuesday", right) == 0
    assert store.read("tuesday", [BOB, "page:{7}", "page:{8}", "page:{9}"]) == [None] * 4
    store.verify("tuesday", dict(right))
    assert store.snapshots()[0].entries == len(right)
    assert store.read("monday", [BOB]) == [dict(entries("monday"))[BOB]]


def test_a_repair_cut_short_is_finished_by_the_next(store: SnapshotStore) -> None:
    publish(store, "monday")
    right = entries("tuesday", 100)
    with pytest.raises(KeyboardInterrupt):
        store.repair("monday", interrupted(right, after=55))
    assert store.active_id() == "monday"
    assert None not in store.read("monday", [ANN, BOB])
    store.repair("monday", right)
    store.verify("monday", dict(right))
    assert states(store) == [("monday", "active")]


def test_a_publisher_may_hold_the_store_while_it_writes_and_prunes(store: SnapshotStore) -> None:
    with store.publishing():
        publish(store, "monday")
        store.prune()
    assert store.active_id() == "monday"


def test_without_a_limit_everything_fits(store: SnapshotStore) -> None:
    assert store.capacity(1_000, 100_000).fits
    assert store.capacity(1_000, 100_000).needed >= 100_000
    assert not Capacity(needed=2, free=1).fits


def test_a_lost_connection_is_a_snapshot_error_with_its_cause() -> None:
    with connect("redis://:secret@127.0.0.1:1/0") as client:
        store = RedisStore(client, "shop")
        for attempt in (
            store.active_id,
            store.roll_back,
            store.snapshots,
            store.prune,
            lambda: store.read("monday", [ANN]),
            lambda: store.write("monday", entries("monday")),
            lambda: store.repair("monday", entries("monday")),
            lambda: store.activate("monday"),
            lambda: store.verify("monday", {}),
            lambda: store.capacity(1, 1),
        ):
            with pytest.raises(
                StoreUnavailable, match=r"127\.0\.0\.1:1 could not .*check that it runs"
            ) as lost:
                attempt()
            assert isinstance(lost.value, SnapshotError)
            assert isinstance(lost.value.__cause__, redis.ConnectionError)
            assert "secret" not in str(lost.value)
