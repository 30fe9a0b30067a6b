"""A worker's report: what it counted, and how it is."""

import os
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from .event_service import EventService
from .follower import SnapshotFollower
from .row_reader import RowReader
from .telemetry import NONE, Telemetry
from .worker_reports import Labels, ReportFolder, WorkerReport

_STATM = Path("/proc/self/statm")


class WorkerVitals:
    """Reports what one worker counted, and how it is."""

    def __init__(
        self,
        telemetry: Telemetry,
        follower: SnapshotFollower,
        reader: RowReader,
        events: EventService,
        folder: ReportFolder,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Publishes nothing yet.

        Args:
            telemetry: counts requests.
            follower: follows snapshots.
            reader: reads Redis.
            events: takes events.
            folder: takes the report.
            now: seconds since 1970 UTC.
        """
        self._telemetry, self._follower, self._reader = telemetry, follower, reader
        self._events, self._folder, self._now = events, folder, now
        self._started = time.time_ns()

    def publish(self) -> None:
        """Report what is so now.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.publish(self.report())

    def report(self) -> WorkerReport:
        """What is so now."""
        # Of the process, not of the worker's making: a fork has another than its parent.
        pid = os.getpid()
        return WorkerReport(pid, self._started, self._counters(), self._gauges(pid), self._durations())

    def _counters(self) -> dict[str, list[tuple[Labels, float]]]:
        telemetry, reader = self._telemetry, self._reader
        counted: dict[str, Counter[Labels]] = {
            name: Counter()
            for name in (
                "cartlift_answers", "cartlift_answers_by_snapshot", "cartlift_answers_by_variant",
                "cartlift_stale_answers", "cartlift_degraded_answers", "cartlift_kept_answers",
            )
        }  # fmt: skip
        for key, count in telemetry.answers():
            counted["cartlift_answers"][key.placement, key.source] += count
            counted["cartlift_answers_by_snapshot"][(key.snapshot,)] += count
            counted["cartlift_stale_answers"][()] += count * key.stale
            counted["cartlift_degraded_answers"][()] += count * key.degraded
            counted["cartlift_kept_answers"][()] += count * key.again
            if key.experiment != NONE:
                counted["cartlift_answers_by_variant"][key.experiment, key.variant] += count
        requests: list[tuple[Labels, float]] = [
            ((call, str(status)), sum(timing[:-1]))
            for (call, status), timing in list(telemetry.timings.items())
        ]
        return {
            **{name: list(values.items()) for name, values in counted.items()},
            "cartlift_requests": requests,
            "cartlift_refusals": [((reason,), count) for reason, count in list(telemetry.refusals.items())],
            "cartlift_events": [((status,), count) for status, count in list(telemetry.events.items())],
            "cartlift_redis_reads": [((), reader.reads)],
            "cartlift_redis_failures": [((), reader.failures)],
            "cartlift_breaker_openings": [((), reader.breaker.openings)],
            "cartlift_access_lines_dropped": [((), telemetry.access.dropped)],
            "cartlift_cpu_seconds": [((), time.process_time())],
        }

    def _durations(self) -> dict[str, list[float]]:
        by_call: dict[str, list[float]] = {}
        for (call, _), timing in list(self._telemetry.timings.items()):
            summed = by_call.setdefault(call, [0.0] * len(timing))
            by_call[call] = [one + other for one, other in zip(summed, timing, strict=True)]
        return by_call

    def _gauges(self, pid: int) -> dict[str, list[tuple[Labels, float]]]:
        live, now = self._follower.live, self._now()
        worker: Labels = (str(pid),)
        gauges: dict[str, list[tuple[Labels, float]]] = {
            "cartlift_snapshot_loaded": [(worker, float(live is not None))],
            "cartlift_snapshot_trouble": [(worker, float(self._follower.trouble is not None))],
            "cartlift_breaker_open": [(worker, float(self._reader.breaker.is_open))],
            "cartlift_memory_resident_bytes": [(worker, _resident_bytes())],
        }
        if live is not None:
            generated = datetime.fromisoformat(live.manifest.generated_at).timestamp()
            gauges["cartlift_snapshot_generated_timestamp_seconds"] = [(worker, generated)]
            gauges["cartlift_snapshot_age_seconds"] = [(worker, max(0.0, now - generated))]
            gauges["cartlift_snapshot_info"] = [((*worker, live.id), 1.0)]
        return gauges | self._of_the_journal()

    def _of_the_journal(self) -> dict[str, list[tuple[Labels, float]]]:
        path = self._events.journal_path
        sizes = [file.stat().st_size for file in path.parent.glob(f"{path.name}*")]
        gauges: dict[str, list[tuple[Labels, float]]] = {"cartlift_event_journal_bytes": [((), sum(sizes))]}
        if (lag := self._events.lag()) is not None:
            gauges["cartlift_event_lag_seconds"] = [((), lag)]
        # Before the first event there is no folder, perhaps not even the one above it.
        with suppress(OSError):
            there = path.parent if path.parent.exists() else path.parent.parent
            gauges["cartlift_event_disk_free_bytes"] = [((), shutil.disk_usage(there).free)]
        return gauges


def _resident_bytes() -> float:
    try:
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        # Without /proc, as on macOS, the most it ever was, there in bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
