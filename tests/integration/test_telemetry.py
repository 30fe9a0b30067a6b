"""What operators see of a running service with two workers."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

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


def test_counts_of_all_workers_add_up_and_outlive_a_worker(service: Service):
    eventually(lambda: samples(service)["cartlift_workers", frozenset()] == 2)
    for _ in range(60):
        assert service.ask(PERSONAL).status == 200
    eventually(lambda: counted(service) == 60)

    victim = service.workers()[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: not is_running(victim))
    eventually(service.is_ready)
    assert counted(service) == 60
    for _ in range(20):
        service.ask(PERSONAL)
    eventually(lambda: counted(service) == 80)
    eventually(lambda: samples(service)["cartlift_workers", frozenset()] == 2)
    workers = {dict(labels).get("worker") for name, labels in samples(service) if name.endswith("_bytes")}
    assert str(victim) not in workers
