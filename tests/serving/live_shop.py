"""The small shop served from a real Redis by two workers, with keys."""

import time
from dataclasses import dataclass
from pathlib import Path

import redis
from flask.testing import FlaskClient

from recommender.serving.app import create_app
from recommender.serving.breaker import CircuitBreaker
from recommender.serving.event_service import EventService
from recommender.serving.follower import SnapshotFollower
from recommender.serving.guard import Guard
from recommender.serving.keys import KEYS_FILE, KeyFile, KeyRing, Scope
from recommender.serving.live_items import LiveItems
from recommender.serving.live_state import LiveState
from recommender.serving.row_reader import RowReader
from recommender.serving.service import RecommendationService
from recommender.snapshot.redis_layout import RedisKeys
from recommender.snapshot.redis_store import RedisStore
from tests.serving.small_shop import Clock, publish


@dataclass
class Worker:
    """One process of the service, wired as `wsgi` wires it but for the thread."""

    client: FlaskClient
    follower: SnapshotFollower
    items: LiveItems
    events: EventService

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=_headers(headers))

    def send(self, method: str, path: str, body: object, **headers: str):
        return self.client.open(path, method=method, json=body, headers=_headers(headers))


class LiveShop:
    """Two workers beside one Redis and one state folder."""

    def __init__(self, client: redis.Redis, state: Path) -> None:
        self.redis, self.state = client, state
        self.clock = Clock()
        self.store = RedisStore(client, "shop")
        publish(self.store)
        self.workers = (self.worker(), self.worker())

    def worker(self, client: redis.Redis | None = None) -> Worker:
        """One more."""
        client = client or self.redis
        follower = SnapshotFollower(self.store, self.clock)
        follower.poll()
        live = LiveState(client, "shop")
        items = LiveItems(live)
        events = EventService(self.state / "events.sqlite", live, time.time)
        reader = RowReader(RedisStore(client, "shop"), CircuitBreaker(self.clock))
        service = RecommendationService(follower, reader, items, RedisKeys("shop"))
        guard = Guard.of(KeyRing(self.state / KEYS_FILE, "shop", self.clock), self.clock)
        app = create_app(service, events, live, guard)
        return Worker(app.test_client(), follower, items, events)

    def key(self, *scopes: Scope, shop: str = "shop", **more) -> str:
        """A new key, which every worker knows."""
        made = KeyFile(self.state).create(
            name="test", shop=shop, scopes=scopes, created_at="2026-11-21T04:00:00Z", **more
        )
        self.clock.now += 1
        return made


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}
