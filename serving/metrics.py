"""`/metrics`: what all workers counted, for Prometheus."""

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from .answer_headers import NEVER
from .guard import Guard
from .telemetry import BUCKETS
from .worker_reports import Labels, ReportFolder, WorkerReport

METRICS_CALL = "metrics"

_MOST_SNAPSHOTS = 8
"""Newest snapshots that are told apart; all before count as `_OLDER`."""

_OLDER = "older"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        name: without what Prometheus adds to it (`_total` of counters).
        kind: `counter`: the sum over all workers there ever were, which never falls. `gauge`: what holds of
            workers that run; what has no label `worker` is of the machine, and the same for all.
        help: what it says.
        labels: names of its labels.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Its name in `/metrics`."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


_WORKER = ("worker",)

FAMILIES = (
    Family("cartlift_requests", "counter", "Requests answered.", ("call", "status")),
    Family("cartlift_answers", "counter", "Lists, by placement and rung.", ("placement", "source")),
    Family("cartlift_answers_by_snapshot", "counter", "Lists, by snapshot.", ("snapshot",)),
    Family("cartlift_answers_by_variant", "counter", "Lists of experiments.", ("experiment", "variant")),
    Family("cartlift_stale_answers", "counter", "Lists from memory, because Redis did not answer."),
    Family("cartlift_degraded_answers", "counter", "Lists plainer than they should be."),
    Family("cartlift_kept_answers", "counter", "Lists sent again as they were kept."),
    Family("cartlift_refusals", "counter", "Requests refused: key, scope or limit.", ("reason",)),
    Family("cartlift_events", "counter", "Events: accepted, duplicate or rejected.", ("status",)),
    Family("cartlift_redis_reads", "counter", "Reads of lists from Redis that were tried."),
    Family("cartlift_redis_failures", "counter", "Reads of lists from Redis that failed."),
    Family("cartlift_breaker_openings", "counter", "Times that Redis was given up for a moment."),
    Family("cartlift_access_lines_dropped", "counter", "Access lines that the log was too slow for."),
    Family("cartlift_cpu_seconds", "counter", "Processor time of all workers."),
    Family("cartlift_breaker_open", "gauge", "1 while Redis is given up.", _WORKER),
    Family("cartlift_snapshot_loaded", "gauge", "1 with a snapshot to answer from.", _WORKER),
    Family("cartlift_snapshot_trouble", "gauge", "1 while newer snapshots are not followed.", _WORKER),
    Family("cartlift_snapshot_age_seconds", "gauge", "Seconds since the snapshot was trained.", _WORKER),
    Family("cartlift_snapshot_generated_timestamp_seconds", "gauge", "When it was trained.", _WORKER),
    Family("cartlift_snapshot_info", "gauge", "1 for the snapshot that is live.", ("worker", "snapshot")),
    Family("cartlift_memory_resident_bytes", "gauge", "Resident memory, shared pages included.", _WORKER),
    Family("cartlift_event_lag_seconds", "gauge", "Age of the oldest event without its effect."),
    Family("cartlift_event_journal_bytes", "gauge", "Size of the journal of events."),
    Family("cartlift_event_disk_free_bytes", "gauge", "What is free on the disk of the journal."),
)
"""What workers report, and `/metrics` says."""

WORKERS = Family("cartlift_workers", "gauge", "Workers that run.")
BUILD = Family("cartlift_build_info", "gauge", "1, with what runs.", ("version", "python"))
DURATION = "cartlift_request_duration_seconds"

METRICS: tuple[str, ...] = (*(family.shown for family in (*FAMILIES, WORKERS, BUILD)), DURATION)
"""Names of all metrics, as `/metrics` has them."""


class WorkersCollector(Collector):
    """Sums up what workers report."""

    def __init__(self, folder: ReportFolder) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """All metrics, as of the last reports."""
        running, ended = self._folder.read()
        everyone = [*running, *ended]
        for family in FAMILIES:
            if family.kind == "counter":
                yield _counter(family, everyone)
            else:
                yield _gauge(family, _held(family, running))
        yield _gauge(WORKERS, {(): len(running)})
        yield _gauge(BUILD, {(version("cartlift"), platform.python_version()): 1})
        yield _durations(everyone)


def register_metrics(app: Flask, guard: Guard, folder: ReportFolder, publish: Callable[[], None]) -> None:
    """Add `/metrics` to the app.

    Args:
        app: the application.
        guard: asks for a key with the scope `export` or `admin`, once there is any key.
        folder: reports of all workers.
        publish: reports of this one.
    """
    registry = CollectorRegistry()
    registry.register(WorkersCollector(folder))

    @app.get("/metrics", endpoint=METRICS_CALL)
    def metrics() -> Response:
        # On a full disk the last reports that could be written are better than none.
        with suppress(OSError):
            publish()
        response = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        response.headers["Cache-Control"] = NEVER
        return response

    guard.scopes[METRICS_CALL] = "export"
    guard.watching.add(METRICS_CALL)


def _counter(family: Family, reports: Iterable[WorkerReport]) -> Metric:
    sums: dict[Labels, float] = {} if family.labels else {(): 0}
    for report in reports:
        for labels, value in report.counters.get(family.name, ()):
            sums[labels] = sums.get(labels, 0) + value
    if family.labels == ("snapshot",):
        sums = _newest(sums)
    metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in sorted(sums.items()):
        metric.add_metric(labels, value)
    return metric


def _newest(sums: dict[Labels, float]) -> dict[Labels, float]:
    """The same with all but the newest snapshots as one; a snapshot's id begins with its time."""
    told_apart = sorted(sums)[-_MOST_SNAPSHOTS:]
    newest = {labels: sums[labels] for labels in told_apart}
    if older := sum(value for labels, value in sums.items() if labels not in newest):
        newest[(_OLDER,)] = older
    return newest


def _held(family: Family, reports: Iterable[WorkerReport]) -> dict[Labels, float]:
    held: dict[Labels, float] = {}
    for report in reports:
        for labels, value in report.gauges.get(family.name, ()):
            held[labels] = max(held.get(labels, value), value)
    return held


def _gauge(family: Family, held: dict[Labels, float]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in sorted(held.items()):
        metric.add_metric(labels, value)
    return metric


def _durations(reports: Iterable[WorkerReport]) -> Metric:
    by_call: dict[str, list[float]] = {}
    for report in reports:
        for call, timing in report.durations.items():
            summed = by_call.get(call, [0.0] * len(timing))
            by_call[call] = [one + other for one, other in zip(summed, timing, strict=True)]
    metric = HistogramMetricFamily(DURATION, "Seconds from request to answer, by call.", labels=("call",))
    bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
    for call, (*counts, seconds) in sorted(by_call.items()):
        reached, buckets = 0.0, []
        for bound, count in zip(bounds, counts, strict=True):
            reached += count
            buckets.append((bound, reached))
        metric.add_metric((call,), buckets, sum_value=seconds)
    return metric
