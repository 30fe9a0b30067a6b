"""What each worker has counted, in a file of its own, so that whichever is asked can say it of all."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

Labels = tuple[str, ...]
"""Values of a metric's labels, in their order."""


class WorkerReport(msgspec.Struct, frozen=True):
    """What a worker says of itself.

    Attributes:
        pid: its process.
        started: nanoseconds since 1970 UTC; tells processes of one number apart.
        counters: totals since then, by metric and labels.
        gauges: what holds now, likewise.
        durations: seconds that requests took, by call; see `Telemetry.timings`.
    """

    pid: int
    started: int
    counters: Mapping[str, list[tuple[Labels, float]]] = {}
    gauges: Mapping[str, list[tuple[Labels, float]]] = {}
    durations: Mapping[str, list[float]] = {}


class ReportFolder:
    """The reports of all workers that one `cartlift serve` has had.

    Files of workers that have ended stay: what was counted is never counted back.
    """

    def __init__(self, folder: Path | None) -> None:
        """Reads nothing.

        Args:
            folder: of this run, the same for all workers; None for a worker that knows of no other.
        """
        self._folder, self._own = folder, WorkerReport(os.getpid(), 0)
        self._writing = threading.Lock()

    def publish(self, report: WorkerReport) -> None:
        """Say this of ourselves, instead of what was said before.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._writing:
            self._own = report
            if self._folder is None:
                return
            file = self._folder / f"{report.pid}-{report.started}.json"
            written = file.with_suffix(".new")
            written.write_bytes(msgspec.json.encode(report))
            # A reader sees all of the old report or all of the new one.
            written.replace(file)

    def read(self) -> tuple[list[WorkerReport], list[WorkerReport]]:
        """The last reports of workers that run, and of those that have ended."""
        if self._folder is None:
            return [self._own], []
        files = sorted(self._folder.glob("*.json"))
        reports = [msgspec.json.decode(file.read_bytes(), type=WorkerReport) for file in files]
        newest: dict[int, WorkerReport] = {}
        for report in sorted(reports, key=lambda report: report.started):
            newest[report.pid] = report
        running = [report for pid, report in newest.items() if _runs(pid)]
        return running, [report for report in reports if report not in running]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
