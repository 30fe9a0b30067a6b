"""Events while processes are killed: whatever was acknowledged is there, and everything once."""

import http.client
import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recommender.events.journal import read_events
from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import PATIENCE, eventually, free_port, started
from tests.serving.served_shop import ids
from tests.serving.small_shop import publish

BATCHES, A_BATCH = int(os.environ.get("CARTLIFT_FAULT_BATCHES", "600")), 25
"""With 4,000 batches 100,000 events are sent."""

SENDERS = 3


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def published(state: Path) -> Iterator[RedisStore]:
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        store = RedisStore(client, "shop")
        publish(store)
        yield store


@pytest.fixture
def key(state: Path) -> str:
    return KeyFile(state).create(
        name="till", shop="shop", scopes=["read", "events"], created_at="2026-11-21T04:00:00Z"
    )


@dataclass
class Sender:
    """A till that sends its purchases until each is acknowledged, as often as that takes."""

    number: int
    port: int
    key: str
    acknowledged: set[str] = field(default_factory=set)
    tries: int = 0

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        for batch in range(self.number, BATCHES, SENDERS):
            events = [
                {
                    "event_id": f"{batch}-{place}",
                    "type": "purchase",
                    "customer_id": f"customer {batch % 7}",
                    "item_id": "tea",
                    "at": "2026-11-20T09:30:00Z",
                }
                for place in range(A_BATCH)
            ]
            body = json.dumps({"events": events}).encode()
            while not self._sent(body):
                threading.Event().wait(0.05)

    def _sent(self, body: bytes) -> bool:
        self.tries += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            headers = {"Content-Type": "application/json", "X-API-Key": self.key}
            connection.request("POST", "/v1/events", body, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
        if answer.status == 200:
            assert {one["status"] for one in told["events"]} <= {"accepted", "duplicate"}
            self.acknowledged |= {one["event_id"] for one in told["events"]}
        return answer.status == 200


def redis_pid(state: Path) -> int | None:
    try:
        with connect(f"unix://{state}/redis.sock") as client:
            return int(client.info("server")["process_id"])
    except Exception:
        return None


def test_every_acknowledged_event_is_there_once_whatever_is_killed(
    state: Path, published: RedisStore, key: str, tmp_path: Path
):
    rng, port, killed = random.Random(7), free_port(), 0
    senders = [Sender(number, port, key) for number in range(SENDERS)]
    threads = [sender.start() for sender in senders]
    while any(thread.is_alive() for thread in threads):
        with started(tmp_path / "log", "--state", str(state), port=port) as service:
            eventually(service.is_ready)
            for victims in (service.workers()[:1], [service.process.pid, *service.workers()]):
                threading.Event().wait(rng.uniform(0, 0.5))
                for victim in victims:
                    with suppress(ProcessLookupError):  # a worker that ended with its parent
                        os.kill(victim, signal.SIGKILL)
                        killed += 1
            service.process.wait()
    kept = [event.event_id for event in read_events(state / "events" / "shop.sqlite")]
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) == BATCHES * A_BATCH
    assert sorted(kept) == sorted(acknowledged)
    assert sum(sender.tries for sender in senders) > BATCHES  # some were killed in the middle of a batch
    print(f"{killed} workers killed, {len(kept):,} events kept, {len(acknowledged):,} acknowledged")


def test_events_sent_while_redis_is_killed_take_effect_when_it_is_back(
    state: Path, published: RedisStore, key: str, tmp_path: Path
):
    port = free_port()
    with started(tmp_path / "log", "--state", str(state), port=port) as service:
        eventually(service.is_ready)
        server = redis_pid(state)
        assert server is not None
        os.kill(server, signal.SIGKILL)
        sender = Sender(0, port, key)
        sender.start().join(PATIENCE)
        assert len(sender.acknowledged) == len(range(0, BATCHES, SENDERS)) * A_BATCH
        # The keeper starts Redis again, with what it had on disk; the journal brings the notes.
        eventually(lambda: redis_pid(state) is not None)
        publish(published, "monday")

        def forgotten() -> bool:
            answer = service.ask("/v1/customers/customer%200/recommendations", X_API_Key=key)
            # A worker that had not read the first snapshot when Redis died has none until it read Monday's.
            return answer.status == 200 and "tea" not in ids(answer.json())

        eventually(forgotten)
