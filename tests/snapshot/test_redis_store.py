import random
import socket
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
import redis
from redis.connection import UnixDomainSocketConnection

from recommender.errors import ConfigError, SnapshotError, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot import redis_lock
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.redis_store import RedisStore, connect
from tests.snapshot.days import entries, publish

POINTER = "cartlift:1:{shop}:pointer"
REGISTRY = "cartlift:1:{shop}:snapshots"

REDIS_6_2 = {
    "get", "set", "del", "mget", "mset", "hget", "hset", "hdel", "hgetall", "exists", "unlink", "pttl",
    "pexpire", "time", "info", "eval", "multi", "exec", "watch", "unwatch", "client", "select", "config",
    "hello", "dbsize",
}  # fmt: skip


def accounted_keys(store: RedisStore, entries_per_chunk: int = 10) -> int:
    """Keys that a shop should have: pointer, registry, and what belongs to the snapshots in the registry."""
    stored = store.snapshots()
    return 2 + sum(s.entries + -(-s.entries // entries_per_chunk) for s in stored)


# --- layout -------------------------------------------------------------------------------------------------


def test_the_layout_is_the_documented_one(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    redis_store.write("monday", [("customer:{ann}", b"tea"), ("manifest:{}", b"{}")])
    redis_store.activate("monday")
    assert set(redis_client.keys()) == {
        b"cartlift:1:shop:monday:customer:{ann}",
        b"cartlift:1:shop:monday:manifest:{}",
        b"cartlift:1:{shop}:keys:monday:0",
        POINTER.encode(),
        REGISTRY.encode(),
    }
    assert redis_client.get("cartlift:1:shop:monday:customer:{ann}") == b"tea"
    key_list = redis_client.get("cartlift:1:{shop}:keys:monday:0")
    assert msgspec.json.decode(zlib.decompress(key_list)) == ["customer:{ann}", "manifest:{}"]
    record = msgspec.json.decode(redis_client.hget(REGISTRY, "monday"))
    assert record | {"digest": ""} == {
        "state": "complete",
        "entries": 2,
        "size": 30,
        "chunks": 1,
        "digest": "",
    }


def test_the_pointer_names_both_snapshots_and_the_time_of_the_switch_by_the_clock_of_redis(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "monday")
    first = redis_client.hgetall(POINTER)
    assert (first[b"active"], first[b"previous"]) == (b"monday", b"")
    publish(redis_store, "tuesday")
    second = redis_client.hgetall(POINTER)
    assert (second[b"active"], second[b"previous"]) == (b"tuesday", b"monday")
    seconds, _ = redis_client.time()
    assert seconds - 60 < float(first[b"switched"]) <= float(second[b"switched"]) <= seconds + 1


def test_only_commands_of_redis_6_2_and_never_keys_or_scan(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    redis_client.config_resetstat()
    publish(redis_store, "monday", "tuesday", "wednesday")
    redis_store.verify("tuesday", dict(entries("tuesday")))
    redis_store.capacity(1, 1)
    redis_store.active_id()
    redis_store.roll_back()
    redis_store.prune(grace=0)
    used = {name.removeprefix("cmdstat_").split("|")[0] for name in redis_client.info("commandstats")}
    assert used <= REDIS_6_2


def test_a_read_is_one_round_trip(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    publish(redis_store, "monday", n=300)
    redis_client.config_resetstat()
    assert None not in redis_store.read("monday", [key for key, _ in entries("monday", 300)])
    stats = redis_client.info("commandstats")
    assert {name: stat["calls"] for name, stat in stats.items() if "config" not in name} == {
        "cmdstat_mget": 1
    }


def test_shops_share_a_redis_and_never_meet(redis_client: redis.Redis) -> None:
    garden, kitchen = RedisStore(redis_client, "garden"), RedisStore(redis_client, "kitchen")
    publish(garden, "monday", "tuesday")
    publish(kitchen, "monday")
    garden.write("monday", entries("monday"))
    kitchen.prune(grace=0)
    assert garden.active_id() == "tuesday" and kitchen.active_id() == "monday"
    assert [s.snapshot for s in garden.snapshots()] == ["tuesday", "monday"]
    assert garden.read("tuesday", ["customer:{1}"]) == [b"tuesday 1"]
    assert kitchen.read("tuesday", ["customer:{1}"]) == [None]


@pytest.mark.parametrize("shop", ["", "a b", "a:b", "{a}", "ä", "a" * 65, "a\n", "*"])
def test_a_shop_id_that_does_not_fit_into_a_key_is_refused(redis_client: redis.Redis, shop: str) -> None:
    with pytest.raises(ConfigError, match="--shop"):
        RedisStore(redis_client, shop)


@pytest.mark.parametrize("snapshot", ["", "a b", "a{b}", ".a", "a" * 101, "a\n"])
def test_a_snapshot_id_that_does_not_fit_into_a_key_is_refused(
    redis_store: RedisStore, snapshot: str
) -> None:
    with pytest.raises(ConfigError, match="snapshot id"):
        redis_store.write(snapshot, entries("monday"))


# --- pruning ------------------------------------------------------------------------------------------------


def test_rows_are_not_pulled_from_under_a_reader_who_has_not_noticed_two_quick_switches(
    redis_store: RedisStore,
) -> None:
    publish(redis_store, "monday", "tuesday", "wednesday")
    assert redis_store.prune() == []
    assert redis_store.read("monday", ["customer:{1}"]) == [b"monday 1"]
    assert redis_store.prune(grace=0) == ["monday"]


def test_the_grace_begins_when_a_snapshot_stops_being_active(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "monday", "tuesday")
    made_older(redis_client, "monday", by=60)
    publish(redis_store, "wednesday")
    assert redis_store.prune() == ["monday"]


def test_a_snapshot_that_was_never_active_needs_no_grace(redis_store: RedisStore) -> None:
    publish(redis_store, "sunday")
    redis_store.write("monday", entries("monday"))
    assert redis_store.prune() == ["monday"]


def test_without_the_pointer_nothing_whole_is_dropped_since_readers_may_be_at_it(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "monday")
    redis_client.delete(POINTER)
    assert redis_store.prune(grace=0) == []
    publish(redis_store, "tuesday")
    assert redis_store.prune() == []
    assert redis_store.prune(grace=0) == ["monday"]


def made_older(client: redis.Redis, snapshot: str, *, by: float) -> None:
    """As if a snapshot had stopped being active that many seconds earlier."""
    record = msgspec.json.decode(client.hget(REGISTRY, snapshot))
    record["active_until"] -= by
    client.hset(REGISTRY, snapshot, msgspec.json.encode(record))


def test_nothing_is_left_of_what_was_pruned(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    publish(redis_store, "monday", "tuesday", "wednesday", "thursday", n=1_234)
    assert sorted(redis_store.prune(grace=0)) == ["monday", "tuesday"]
    assert redis_client.dbsize() == accounted_keys(redis_store)


def test_a_prune_cut_short_is_finished_by_the_next(
    redis_store: RedisStore, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(redis_store, "monday", "tuesday", "wednesday")
    steps = iter(range(2))
    renew = redis_lock.PublisherLock.renew

    def renew_twice(*arguments: object) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        renew(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(redis_lock.PublisherLock, "renew", renew_twice)
        redis_store.prune(grace=0)
    assert ("monday", "unfinished") in [(s.snapshot, s.state) for s in redis_store.snapshots()]
    assert redis_store.prune(grace=0) == ["monday"]
    assert redis_client.dbsize() == accounted_keys(redis_store)


# --- readers ------------------------------------------------------------------------------------------------


def test_readers_never_see_a_mixture_while_snapshots_come_and_go(
    redis_url: str, redis_store: RedisStore
) -> None:
    publish(redis_store, "start")
    seen: list[set[bytes]] = []
    done = threading.Event()

    def read() -> None:
        with connect(redis_url) as client:
            store = RedisStore(client, "shop")
            while not done.is_set():
                values = store.read(store.active_id(), [key for key, _ in entries("", 25)])
                seen.append({(value or b"missing").split()[0] for value in values})

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(40):
        publish(redis_store, f"s{number}")
        if number % 7 == 0:
            redis_store.roll_back()
        redis_store.prune()
    done.set()
    for reader in readers:
        reader.join()
    assert {len(words) for words in seen} == {1}
    assert {b"missing"} not in seen
    assert len({word for words in seen for word in words}) > 3


# --- what can go wrong in between ---------------------------------------------------------------------------


def test_entries_that_redis_did_not_keep_are_noticed_and_written_anew(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "sunday")
    redis_store.write("monday", entries("monday"))
    redis_client.delete("cartlift:1:shop:monday:customer:{17}")
    with pytest.raises(SnapshotUnreadable, match=r"1 of 25 entries are gone.*maxmemory-policy"):
        redis_store.verify("monday", {})
    assert redis_store.active_id() == "sunday"
    publish(redis_store, "monday")
    redis_store.verify("monday", dict(entries("monday")))
    assert redis_client.dbsize() == accounted_keys(redis_store)


def test_an_active_snapshot_is_never_taken_apart(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    publish(redis_store, "monday")
    redis_client.delete("cartlift:1:shop:monday:customer:{17}")
    with pytest.raises(SnapshotUnreadable):
        redis_store.verify("monday", {})
    with pytest.raises(SnapshotError, match="active with other entries"):
        redis_store.write("monday", entries("other"))
    assert redis_store.active_id() == "monday"
    assert redis_store.read("monday", ["customer:{1}"]) == [b"monday 1"]


@pytest.mark.parametrize("lost", ["registry", "key list", "entries", "one entry", "all but the pointer"])
def test_whatever_a_live_snapshot_lost_is_repaired(
    redis_store: RedisStore, redis_client: redis.Redis, lost: str
) -> None:
    publish(redis_store, "sunday", "monday")
    whole = set(redis_client.keys())
    redis_client.delete(*LOST[lost](redis_client))
    with pytest.raises(SnapshotError):
        redis_store.verify("monday", dict(entries("monday")))
    redis_store.repair("monday", entries("monday"))
    redis_store.verify("monday", dict(entries("monday")))
    assert redis_store.active_id() == "monday"
    assert {key for key in whole if b"monday" in key} <= set(redis_client.keys())


LOST: dict[str, Callable[[redis.Redis], list[str]]] = {
    "registry": lambda _: [REGISTRY],
    "key list": lambda _: ["cartlift:1:{shop}:keys:monday:1"],
    "entries": lambda client: client.keys("*:monday:customer:*"),
    "one entry": lambda _: ["cartlift:1:shop:monday:customer:{7}"],
    "all but the pointer": lambda client: sorted({*client.keys()} - {POINTER.encode()}),
}


def test_a_repair_sends_nothing_that_could_delete_an_entry(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "monday")
    redis_client.delete("cartlift:1:shop:monday:customer:{7}", "cartlift:1:shop:monday:customer:{8}")
    redis_client.hset("cartlift:1:shop:monday:customer:{8}", "not", "a string")
    redis_client.config_resetstat()
    assert redis_store.repair("monday", entries("monday")) == 2
    used = {name.removeprefix("cmdstat_") for name in redis_client.info("commandstats")}
    # `del` gives the publisher's lock back.
    assert not used & {"unlink", "expire", "rename", "flushall"}
    assert redis_store.read("monday", ["customer:{7}", "customer:{8}"]) == [b"monday 7", b"monday 8"]


def test_a_repair_in_larger_chunks_leaves_no_list_of_names_over(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "monday")
    larger = RedisStore(redis_client, "shop", entries_per_chunk=20)
    larger.repair("monday", entries("monday"))
    larger.verify("monday", dict(entries("monday")))
    assert redis_client.dbsize() == accounted_keys(larger, 20)


@pytest.mark.parametrize("cut_short", [None, 0, 15, 39])
@pytest.mark.parametrize("n", [35, 12])
def test_a_repair_with_other_entries_leaves_no_key_over(
    redis_store: RedisStore, redis_client: redis.Redis, n: int, cut_short: int | None
) -> None:
    right = [("first:{}", b""), *entries("monday", n)]
    publish(redis_store, "monday", n=40)
    if cut_short is not None:

        def stop(done: int) -> None:
            if done >= cut_short:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            redis_store.repair("monday", right, progress=stop)
    redis_store.repair("monday", right)
    redis_store.verify("monday", dict(right))
    assert len(redis_client.keys("cartlift:1:shop:*")) == n + 1
    assert redis_client.dbsize() == accounted_keys(redis_store)


def test_a_list_of_names_that_is_lost_during_a_repair_costs_no_entry(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    right = entries("monday", 35)
    publish(redis_store, "monday", n=60)

    def lose(done: int) -> None:
        if done == 30:
            redis_client.delete("cartlift:1:{shop}:keys:monday:2")

    # All names of the third list stood on a later one before.
    shifted = [*right[:20], *entries("monday", 60)[40:50], *right[20:]]
    with pytest.raises(SnapshotUnreadable, match=r"lost names .* publish it again"):
        redis_store.repair("monday", shifted, progress=lose)
    assert None not in redis_store.read("monday", [key for key, _ in shifted])
    redis_store.repair("monday", right)
    redis_store.verify("monday", dict(right))
    assert redis_client.dbsize() == accounted_keys(redis_store)


@pytest.mark.parametrize("damaged", ["{", '{"later": ' + "[" * 100_000], ids=["cut off", "deep"])
def test_a_registry_that_cannot_be_read_can_be_removed_and_rebuilt(
    redis_store: RedisStore, redis_client: redis.Redis, damaged: str
) -> None:
    publish(redis_store, "monday")
    redis_client.hset(REGISTRY, "monday", damaged)
    with pytest.raises(SnapshotUnreadable, match=r"Remove the key .*, then publish again"):
        redis_store.repair("monday", entries("monday"))
    redis_client.delete(REGISTRY)
    assert redis_store.repair("monday", entries("monday")) == 0
    assert [(s.snapshot, s.state) for s in redis_store.snapshots()] == [("monday", "active")]


def test_a_pointer_that_is_no_text_is_replaced_by_the_next_publication(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    redis_client.hset(POINTER, mapping={"active": b"\xff", "previous": b"\xff"})
    publish(redis_store, "monday")
    assert redis_store.active_id() == "monday"


def test_a_full_redis_refuses_with_the_remedy_and_the_write_goes_on_when_there_is_room(
    redis_store: RedisStore, redis_client: redis.Redis
) -> None:
    publish(redis_store, "sunday")
    big = [(entry_key("customer", str(c)), random.Random(c).randbytes(20_000)) for c in range(100)]
    used = redis_client.info("memory")["used_memory"]
    redis_client.config_set("maxmemory", used + 1_000_000)
    with pytest.raises(StoreUnavailable, match="raise its maxmemory"):
        redis_store.write("monday", big)
    assert redis_store.active_id() == "sunday"
    redis_client.config_set("maxmemory", 0)
    redis_store.write("monday", big)
    redis_store.verify("monday", dict(big))


def test_room_is_what_maxmemory_leaves(redis_store: RedisStore, redis_client: redis.Redis) -> None:
    assert redis_store.capacity(1_000, 50_000).free is None
    used = redis_client.info("memory")["used_memory"]
    redis_client.config_set("maxmemory", used + 1_000_000)
    assert redis_store.capacity(1_000, 50_000).fits
    assert not redis_store.capacity(10_000, 500_000).fits
    redis_client.config_set("maxmemory", 1)
    assert redis_store.capacity(1_000, 50_000).free == 0


@pytest.mark.parametrize(
    ("key", "damage"),
    [
        (REGISTRY, lambda client: client.hset(REGISTRY, "monday", "{")),
        ("key list", lambda client: client.set("cartlift:1:{shop}:keys:monday:0", "x")),
    ],
)
def test_damaged_bookkeeping_is_named(
    redis_store: RedisStore, redis_client: redis.Redis, key: str, damage: Callable[[redis.Redis], object]
) -> None:
    redis_store.write("monday", entries("monday"))
    damage(redis_client)
    with pytest.raises(SnapshotUnreadable, match="something else wrote to it"):
        redis_store.verify("monday", {})


def test_a_rollback_whose_answer_was_lost_is_not_undone_by_its_repetition(
    redis_url: str, redis_store: RedisStore
) -> None:
    publish(redis_store, "monday", "tuesday")
    lost: list[bytes] = []

    class LosesOneAnswer(UnixDomainSocketConnection):
        def send_packed_command(self, command: object, check_health: bool = True) -> None:
            super().send_packed_command(command, check_health)
            packed = b"".join(command) if isinstance(command, list) else bytes(command)
            if b"EXEC" in packed and b"HSET" in packed and not lost:
                lost.append(packed)
                self._sock.shutdown(socket.SHUT_WR)  # Redis still carries out what it has received
                while self._sock.recv(1_024):
                    pass

    path = redis_url.removeprefix("unix://")
    with redis.Redis(connection_pool=redis.ConnectionPool(LosesOneAnswer, path=path)) as client:
        assert RedisStore(client, "shop").roll_back() == "monday"
    assert len(lost) == 1
    assert redis_store.active_id() == "monday"
