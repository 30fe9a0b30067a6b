"""The small shop served from a real Redis by two workers, with keys."""

from dataclasses import dataclass
from pathlib import Path

import redis
from flask.testing import FlaskClient

from recommender.events.journal import journal_path
from recommender.serving.assembly import Worker, assembled
from recommender.serving.keys import KeyFile, Scope
from recommender.serving.settings import WorkerSettings
from recommender.snapshot.redis_store import RedisStore
from tests.serving.small_shop import Clock, publish


@dataclass
class AskedWorker:
    """One process of the service, and a client that asks it."""

    worker: Worker

    def __post_init__(self) -> None:
        self.client: FlaskClient = self.worker.app.test_client()
        self.follower, self.items, self.events = self.worker.follower, self.worker.items, self.worker.events

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers=_headers(headers))

    def send(self, method: str, path: str, body: object, **headers: str):
        return self.client.open(path, method=method, json=body, headers=_headers(headers))


ROWS_BYTES = 1 << 20


class LiveShop:
    """Two workers beside one Redis and one state folder, that share what they remember."""

    def __init__(self, client: redis.Redis, state: Path) -> None:
        self.redis, self.state = client, state
        state.mkdir(parents=True, exist_ok=True)
        self.rows = state / "rows"
        self.rows.write_bytes(bytes(ROWS_BYTES))
        self.clock = Clock()
        self.store = RedisStore(client, "shop")
        publish(self.store)
        self.workers = (self.worker(), self.worker())

    @property
    def journal(self) -> Path:
        """File of its events."""
        return journal_path(self.state, "shop")

    def worker(self, client: redis.Redis | None = None) -> AskedWorker:
        """One more."""
        settings = WorkerSettings("", "shop", self.state, rows=self.rows)
        client = client or self.redis
        return AskedWorker(assembled(settings, client, self.redis, listening_beside(client), self.clock))

    def key(self, *scopes: Scope, shop: str = "shop", **more) -> str:
        """A new key, which every worker knows."""
        made = KeyFile(self.state).create(
            name="test", shop=shop, scopes=scopes, created_at="2026-11-21T04:00:00Z", **more
        )
        self.clock.now += 1
        return made


def listening_beside(client: redis.Redis) -> redis.Redis:
    """A client of the same Redis that speaks RESP3."""
    pool = client.connection_pool
    kwargs = {**pool.connection_kwargs, "protocol": 3}
    return redis.Redis(connection_pool=redis.ConnectionPool(pool.connection_class, **kwargs))


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}
