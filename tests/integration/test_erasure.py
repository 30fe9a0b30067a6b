"""A customer is erased from a service that runs: two processes, our own Redis with its file, its state."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import Answer, Service, eventually, started
from tests.serving.small_shop import publish
from tests.serving.test_privacy import ROWS, WHO, bytes_in, bytes_in_redis

OWN = f"/v1/customers/{quote(WHO, safe='')}"
ENOUGH = 12
"""Requests on a connection each, so that both workers get some."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def client(state: Path) -> Iterator[redis.Redis]:
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        for snapshot in ("monday", "tuesday"):
            publish(RedisStore(client, "shop"), snapshot, ROWS)
        yield client


@pytest.fixture
def key(state: Path) -> str:
    return KeyFile(state).create(
        name="test", shop="shop", scopes=("read", "events", "admin"), created_at="2026-11-21T04:00:00Z"
    )


@pytest.fixture
def service(state: Path, client: redis.Redis, key: str, tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path / "log", "--state", str(state)) as service:
        eventually(service.is_ready)
        yield service


def test_no_process_shows_them_and_no_file_and_no_key_has_their_id(
    service: Service, client: redis.Redis, state: Path, key: str
):
    def ask(path: str, method: str = "GET", body: object = None) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        return service.ask(path, method, sent, X_API_Key=key, Content_Type="application/json")

    def sources(path: str) -> set[str]:
        return {ask(f"{path}/recommendations").json()["source"] for _ in range(ENOUGH)}

    def buy(event_id: str) -> str:
        event = {"event_id": event_id, "type": "purchase", "item_id": "honey", "at": "2026-11-21T09:30:00Z"}
        answer = ask("/v1/events", "POST", {"events": [event | {"customer_id": WHO}]})
        return answer.json()["events"][0]["status"]

    assert buy("e1") == "accepted" and sources(OWN) == {"personal"}
    client.save()
    assert WHO.encode() in bytes_in(state) and WHO.encode() in bytes_in_redis(client)

    receipt = ask(OWN, "DELETE")

    assert receipt.status == 200, receipt.body
    assert {each["store"]: each["count"] for each in receipt.json()["removed"]} == {
        "redis:monday": 3, "redis:tuesday": 3, "redis:notes": 1, "events": 1, "exposures": 0,
    }  # fmt: skip
    assert sources(OWN) == {"best_sellers"} and sources("/v1/customers/ann") == {"personal"}
    assert {buy(f"late {number}") for number in range(ENOUGH)} == {"rejected"}
    # The receipt says so of Redis' own file.
    client.save()
    assert WHO.encode() not in bytes_in(state) and WHO.encode() not in bytes_in_redis(client)
