"""What operators see of a running service with two workers."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from recommender.serving.keys import KeyFile
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_store import RedisStore, connect
from tests.running_service import Service, eventually, is_running, started
from tests.serving.small_shop import publish

PERSONAL = "/v1/customers/ann/recommendations"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """State folder of a shop that is published."""
    state = tmp_path / "state"
    with running_redis(state, os.environ["PATH"]) as url, connect(url) as client:
        publish(RedisStore(client, "shop"))
        yield state


@pytest.fixture
def service(state: Path, tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path / "log", "--state", str(state)) as service:
        eventually(service.is_ready)
        yield service


def samples(service: Service) -> dict[tuple[str, frozenset], float]:
    """What every sample of /metrics says."""
    answer = service.ask("/metrics")
    assert answer.status == 200, answer.body
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def counted(service: Service) -> float:
    key = ("cartlift_requests_total", frozenset({("call", "customer"), ("status", "200")}))
    return samples(service).get(key, 0.0)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_counts_of_all_workers_add_up_and_outlive_a_worker(service: Service, end: signal.Signals):
    eventually(lambda: samples(service)["cartlift_workers", frozenset()] == 2)
    for _ in range(60):
        assert service.ask(PERSONAL).status == 200
    eventually(lambda: counted(service) == 60)

    victim = service.workers()[0]
    os.kill(victim, end)
    eventually(lambda: not is_running(victim))
    eventually(service.is_ready)
    assert counted(service) == 60
    for _ in range(20):
        service.ask(PERSONAL)
    eventually(lambda: counted(service) == 80)
    eventually(lambda: samples(service)["cartlift_workers", frozenset()] == 2)
    workers = {dict(labels).get("worker") for name, labels in samples(service) if name.endswith("_bytes")}
    assert str(victim) not in workers


def test_a_worker_that_is_told_to_end_reports_first(service: Service):
    eventually(lambda: samples(service)["cartlift_workers", frozenset()] == 2)
    for _ in range(100):
        assert service.ask(PERSONAL).status == 200
    victim = service.workers()[0]
    os.kill(victim, signal.SIGTERM)
    eventually(lambda: not is_running(victim))
    eventually(lambda: counted(service) == 100)


def test_json_logs_hold_every_request_and_no_customer_and_no_key(state: Path, tmp_path: Path):
    made = KeyFile(state).create(
        name="page", shop="shop", scopes=("read",), created_at="2026-11-21T04:00:00Z", per_second=0.0
    )
    log = tmp_path / "log"
    options = ("--state", str(state), "--log-format", "json", "--access-log", "1")
    with started(log, *options) as service:
        eventually(service.is_ready)
        for number in range(10):
            path = f"/v1/customers/secret-customer-{number}/recommendations?placement=secret-query"
            assert service.ask(path, X_API_Key=made, X_Request_ID=f"r-{number}").status == 200
            assert service.ask(path, X_API_Key=made + "0").status == 401
        body = b'{"customer_id": "secret-customer-1", "cart": ["tea"]}'
        cart = "/v1/cart/recommendations"
        assert service.ask(cart, "POST", body, Content_Type="application/json", X_API_Key=made).status == 200
        assert service.ask("/v1/nowhere/secret-customer-2").status == 404
        eventually(lambda: log.read_text().count('"status":401') == 10)
        eventually(lambda: '"status":404' in log.read_text())
        eventually(lambda: cart in log.read_text())
        assert service.process.poll() is None
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"time", "level", "message", "logger", "worker", "shop"} <= line.keys() for line in lines)
    asked = {line["request_id"]: line for line in lines if line.get("status") == 200}
    for number in range(10):
        line = asked[f"r-{number}"]
        assert line["path"] == "/v1/customers/{customer_id}/recommendations"
        assert line["source"] == "best_sellers" and line["duration_ms"] > 0
        assert line["key"] == made.split("_")[1]
    assert len({line["worker"] for line in lines}) >= 2
    said = log.read_text()
    assert "secret" not in said and made.split("_")[2] not in said
