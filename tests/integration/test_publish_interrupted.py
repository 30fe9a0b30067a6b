"""A publisher is killed at any moment: readers notice nothing, and the next publication repairs it."""

import random
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import redis

from recommender.snapshot.encoding import (
    ItemRecord,
    StoredManifest,
    encode_items,
    entry_key,
)
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.rows import decode_list
from recommender.snapshot.store import Entry
from recommender.training.publish import publish

ROOT = Path(__file__).parents[2]
N_ENTRIES = 1_050
ENTRIES_PER_CHUNK = 100
LOCK = "cartlift:1:{shop}:publisher"

# Publishes, and kills itself in the middle of sending its n-th request to Redis.
PUBLISHER = """
import os, random, signal, sys
from redis.connection import UnixDomainSocketConnection
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.training.publish import publish
from tests.integration.test_publish_interrupted import ENTRIES_PER_CHUNK, Lists

url, snapshot, last_request, share = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
requests = 0
send = UnixDomainSocketConnection.send_packed_command

def send_or_die(self, command, check_health=True):
    global requests
    requests += 1
    if requests == last_request:
        packed = b"".join(command) if isinstance(command, list) else command
        self._sock.sendall(packed[:round(len(packed) * share)])
        os.kill(os.getpid(), signal.SIGKILL)
    send(self, command, check_health)

UnixDomainSocketConnection.send_packed_command = send_or_die
with connect(url) as client:
    publish(Lists(snapshot), RedisStore(client, "shop", entries_per_chunk=ENTRIES_PER_CHUNK))
print(requests)
"""

NEVER = 10**9


SNAPSHOTS = ("saturday", "sunday", "monday", "tuesday", "s0", "s1")
ITEMS = [ItemRecord(str(number)) for number in range(100)]
CUSTOMERS = [entry_key("customer", str(customer)) for customer in range(N_ENTRIES - 3)]


@dataclass(frozen=True)
class Lists:
    """A publication in which the first item of every customer's list tells the snapshot."""

    snapshot_id: str

    def entries(self) -> Iterator[Entry]:
        (items,) = encode_items(ITEMS)
        yield entry_key("items", "0"), items
        yield entry_key("best-sellers"), b""
        first = SNAPSHOTS.index(self.snapshot_id)
        for number, key in enumerate(CUSTOMERS):
            others = [10 + (number + place) % 90 for place in range(20)]
            yield key, struct.pack("<B21I21e", 6, first, *others, *[0.5] * 21)
        yield entry_key("manifest"), msgspec.json.encode(self.manifest())

    def manifest(self) -> StoredManifest:
        return StoredManifest(
            format=1,
            snapshot=self.snapshot_id,
            generated_at="2026-11-21T05:00:00Z",
            data_until="2026-11-21T04:00:00Z",
            sources=("best_sellers",),
            n_customers=len(CUSTOMERS),
            n_items=len(ITEMS),
            item_chunks=1,
            categories=(),
            pages={},
        )


def snapshot_of(row: bytes | None) -> str:
    return SNAPSHOTS[decode_list(row).items[0]] if row else "missing"


def run_publisher(
    url: str, snapshot: str, last_request: int, share: float
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PUBLISHER, url, snapshot, str(last_request), str(share)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def requests_of_a_publication(redis_url: str) -> int:
    """How many requests a publication sends that nobody kills."""
    with connect(redis_url) as client:
        client.flushall()
        publish(Lists("s0"), RedisStore(client, "shop"))
    finished = run_publisher(redis_url, "s1", NEVER, 1.0)
    assert finished.returncode == 0, finished.stderr
    return int(finished.stdout)


@pytest.fixture
def store(redis_client: redis.Redis) -> RedisStore:
    """A store whose waiting lets the lock of a killed publisher grow old at once."""

    def time_passes(seconds: float) -> None:
        redis_client.pexpire(LOCK, redis_client.pttl(LOCK) - round(seconds * 1_000))

    return RedisStore(redis_client, "shop", entries_per_chunk=ENTRIES_PER_CHUNK, sleep=time_passes)


@contextmanager
def reading_all_the_time(url: str) -> Iterator[list[frozenset[str]]]:
    """For each read of all rows while the block runs: the snapshots that they came from."""
    seen: list[frozenset[str]] = []
    done = threading.Event()

    def read() -> None:
        with connect(url) as client:
            store = RedisStore(client, "shop")
            while not done.is_set():
                rows = store.read(store.active_id(), CUSTOMERS)
                seen.append(frozenset(map(snapshot_of, rows)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        done.set()
        reader.join()


def assert_nothing_is_left_over(store: RedisStore, client: redis.Redis) -> None:
    stored = store.snapshots()
    assert {s.entries for s in stored} == {N_ENTRIES}
    chunks = -(-N_ENTRIES // ENTRIES_PER_CHUNK)
    assert client.dbsize() == len(stored) * (N_ENTRIES + chunks) + len(["pointer", "registry"])


@pytest.mark.parametrize("seed", range(12))
def test_a_killed_publication_is_never_seen_and_the_next_one_repairs_it(
    redis_url: str, redis_client: redis.Redis, store: RedisStore, requests_of_a_publication: int, seed: int
) -> None:
    publish(Lists("saturday"), store)
    publish(Lists("sunday"), store)
    chance = random.Random(seed)
    # The last request of all gives the lock back: by then everything is done.
    last_request = chance.randrange(1, requests_of_a_publication)
    with reading_all_the_time(redis_url) as seen:
        killed = run_publisher(redis_url, "monday", last_request, chance.random())
        assert killed.returncode < 0, killed.stderr
        live = store.active_id()
        expected = dict(Lists(live).entries())
        assert store.read(live, list(expected)) == list(expected.values())
        # Another snapshot clears the remains away; the same one goes on with them.
        following = chance.choice(["monday", "tuesday"])
        publish(Lists(following), store)
    assert set(seen) <= {frozenset({name}) for name in ("sunday", "monday", "tuesday")}
    assert store.active_id() == following
    store.verify(following, dict(Lists(following).entries()))
    store.prune(grace=0)
    assert [s.state for s in store.snapshots()] == ["active", "previous"]
    assert_nothing_is_left_over(store, redis_client)


def test_killed_again_and_again_it_is_finished_in_the_end(
    redis_url: str, redis_client: redis.Redis, store: RedisStore, requests_of_a_publication: int
) -> None:
    publish(Lists("sunday"), store)
    chance = random.Random(99)
    for _ in range(5):
        redis_client.delete(LOCK)  # as if the ten seconds were over
        run_publisher(
            redis_url, "monday", chance.randrange(1, requests_of_a_publication // 2), chance.random()
        )
        assert store.active_id() == "sunday"
    publish(Lists("monday"), store)
    store.verify("monday", dict(Lists("monday").entries()))
    assert_nothing_is_left_over(store, redis_client)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_repair_harms_no_reader_and_is_finished_by_the_next(
    redis_url: str, redis_client: redis.Redis, store: RedisStore, requests_of_a_publication: int, seed: int
) -> None:
    publish(Lists("sunday"), store)
    publish(Lists("monday"), store)
    redis_client.delete(*redis_client.keys("cartlift:1:shop:monday:customer:*7*"))
    redis_client.delete("cartlift:1:{shop}:snapshots")
    chance = random.Random(seed)
    with reading_all_the_time(redis_url) as seen:
        last_request = chance.randrange(5, requests_of_a_publication)
        killed = run_publisher(redis_url, "monday", last_request, chance.random())
        assert killed.returncode < 0, killed.stderr
        assert publish(Lists("monday"), store).already_active
    assert set(seen) <= {frozenset({"monday"}), frozenset({"monday", "missing"})}
    store.verify("monday", dict(Lists("monday").entries()))
