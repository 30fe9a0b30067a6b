"""What a worker counts, and what `/metrics` makes of all workers' counts."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from recommender.serving.metrics import BUILD, FAMILIES, METRICS, WORKERS, WorkersCollector
from recommender.serving.schemas import Recommendations
from recommender.serving.telemetry import BEGAN, NONE, OTHER, Telemetry
from recommender.serving.worker_reports import ReportFolder, WorkerReport
from tests.serving.live_shop import AskedWorker, LiveShop

LIST = "/v1/customers/ann/recommendations"
EVENT = {
    "event_id": "1",
    "type": "view",
    "customer_id": "ann",
    "item_id": "tea",
    "at": "2026-11-21T04:00:00Z",
}


@pytest.fixture
def shop(redis_client, tmp_path) -> LiveShop:
    return LiveShop(redis_client, tmp_path)


def samples(text: str) -> dict[tuple[str, frozenset], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def said(worker: AskedWorker, name: str, **labels: str) -> float | None:
    answer = worker.get("/metrics")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return samples(answer.get_data(as_text=True)).get((name, frozenset(labels.items())))


def test_requests_are_counted_once_by_flask_or_before_it(shop: LiveShop):
    worker = shop.workers[0]
    worker.get(LIST)
    worker.get(LIST, Origin="https://elsewhere.example")  # answered by Flask
    worker.get(LIST + "?n=0")
    worker.get("/nowhere")
    assert said(worker, "cartlift_requests_total", call="customer", status="200") == 2
    assert said(worker, "cartlift_requests_total", call="customer", status="400") == 1
    assert said(worker, "cartlift_requests_total", call=NONE, status="404") == 1
    assert said(worker, "cartlift_request_duration_seconds_count", call="customer") == 3
    assert said(worker, "cartlift_request_duration_seconds_bucket", call="customer", le="+Inf") == 3
    assert said(worker, "cartlift_answers_total", placement=NONE, source="personal") == 2


def test_an_answer_that_was_kept_is_counted_as_such(shop: LiveShop):
    worker = shop.workers[0]
    for _ in range(3):
        worker.get(LIST)
    assert said(worker, "cartlift_kept_answers_total") == 2
    assert said(worker, "cartlift_answers_by_snapshot_total", snapshot="monday") == 3


def test_placements_that_nobody_configured_are_counted_as_one():
    telemetry = Telemetry(["home"])
    for placement in ("home", "a", "b"):
        answer = Recommendations(
            recommendation_id="1", items=(), source="personal", snapshot="monday", generated_at="",
            stale=False, degraded=False, placement=placement,
        )  # fmt: skip
        telemetry.finished({BEGAN: 0.0, "REQUEST_METHOD": "GET"}, "customer", 200, answer)
    assert {key.placement: count for key, count in telemetry.answers()} == {"home": 1, OTHER: 2}


def test_events_are_counted_by_what_became_of_them(shop: LiveShop):
    worker, key = shop.workers[0], shop.key("events", "export")
    worker.send("POST", "/v1/events", {"events": [EVENT, EVENT, {}]}, X_API_Key=key)
    found = samples(worker.get("/metrics", X_API_Key=key).get_data(as_text=True))
    for status in ("accepted", "duplicate", "rejected"):
        assert found["cartlift_events_total", frozenset({("status", status)})] == 1
    assert found["cartlift_event_journal_bytes", frozenset()] > 0
    assert found["cartlift_event_disk_free_bytes", frozenset()] > 0


def test_the_lag_of_events_is_the_age_of_the_oldest_without_effect(shop: LiveShop):
    worker, now = shop.workers[0], 1_000.0
    service = worker.events
    assert service.lag() == 0
    service._now = lambda: now
    service._state.note = None  # whatever is called, fails: nothing is noted
    with pytest.raises(TypeError):
        service.take([EVENT | {"type": "dismiss", "at": "1970-01-01T00:00:00Z"}])
    now = 1_030.0
    assert service.lag() == 30


def test_metrics_need_a_key_for_operators_once_there_is_any(shop: LiveShop):
    worker = shop.workers[0]
    assert worker.get("/metrics").status_code == 200
    reader, exporter, admin = shop.key("read"), shop.key("export"), shop.key("admin")
    assert worker.get("/metrics").status_code == 401
    assert worker.get("/metrics", X_API_Key=reader).status_code == 403
    assert worker.get("/metrics", X_API_Key=admin).status_code == 200
    found = samples(worker.get("/metrics", X_API_Key=exporter).get_data(as_text=True))
    assert found["cartlift_refusals_total", frozenset({("reason", "key")})] == 1
    assert found["cartlift_refusals_total", frozenset({("reason", "scope")})] == 1


def test_every_metric_is_there_from_the_start_but_for_those_without_a_label_yet(shop: LiveShop):
    text = shop.workers[0].get("/metrics").get_data(as_text=True)
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} == set(METRICS)


def test_the_docs_list_every_metric_with_its_labels():
    page = Path("docs/telemetry.md").read_text()
    for family in (*FAMILIES, WORKERS, BUILD):
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert f"| `{family.shown}` | {family.kind} | {labels} | {family.help} |" in page
    assert set(re.findall(r"^\| `(cartlift_\w+)`", page, flags=re.M)) == set(METRICS)


def test_counts_of_a_worker_that_ended_stay_and_its_gauges_go(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = ReportFolder(tmp_path)
    for pid, started in ((ended.pid, 1), (os.getpid(), 2), (os.getpid(), 3)):
        folder.publish(
            WorkerReport(
                pid,
                started,
                {"cartlift_redis_reads": [((), 10)]},
                {"cartlift_breaker_open": [((f"{pid}-{started}",), 1)]},
            )
        )
    metrics = {metric.name: metric.samples for metric in WorkersCollector(folder).collect()}
    assert [sample.value for sample in metrics["cartlift_redis_reads"]] == [30]
    assert [sample.labels["worker"] for sample in metrics["cartlift_breaker_open"]] == [f"{os.getpid()}-3"]
    assert [sample.value for sample in metrics["cartlift_workers"]] == [1]


def test_only_the_newest_snapshots_are_told_apart(tmp_path):
    folder = ReportFolder(tmp_path)
    counts = [((f"202611{day:02}T040000Z",), 1.0) for day in range(1, 21)]
    folder.publish(WorkerReport(os.getpid(), 1, {"cartlift_answers_by_snapshot": counts}))
    metrics = {metric.name: metric.samples for metric in WorkersCollector(folder).collect()}
    found = {sample.labels["snapshot"]: sample.value for sample in metrics["cartlift_answers_by_snapshot"]}
    assert found.pop("older") == 12
    assert min(found) == "20261113T040000Z" and sum(found.values()) == 8


def test_metrics_are_answered_though_nothing_can_be_written(shop: LiveShop, monkeypatch):
    worker = shop.workers[0]

    def full(report: WorkerReport) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker.worker.vitals._folder, "publish", full)
    assert worker.get("/metrics").status_code == 200
