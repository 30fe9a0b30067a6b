"""What a training takes while it runs, stage by stage: memory at most, and time."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .progress import Advance, Progress

STAGES = ("read", "learn", "list", "write", "publish")
"""Orders read and cleaned, all learned and judged, lists made, the snapshot written, and put into Redis."""

_STAGE_OF = {
    "Open orders": "read",
    "Read orders": "read",
    "Clean orders": "read",
    "Write lines put aside": "read",
    "Sort orders": "read",
    "Write customer lists": "list",
    "Look at each list as a whole": "list",
    "Write item lists": "list",
    "Write past orders": "list",
    "Write what speaks for pairs": "list",
    "Give reasons": "list",
    "Write the snapshot": "write",
    "Publish": "publish",
}
"""Stage of a step by its name; all others are of "learn"."""

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"
"""What the kernel of Linux takes for: count the peak from now on (proc(5), clear_refs)."""


def peak_memory() -> int:
    """Bytes that this process held at most so far, on Linux since the peak was last forgotten."""
    if _STATUS.is_file():
        # What getrusage says is the parent's peak, too, where the parent started this process by vfork.
        (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    # Bytes on macOS, kilobytes elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one stage took.

    Attributes:
        peak: bytes held at most.
        seconds: wall-clock time.
        processor_seconds: time of all cores together.
    """

    peak: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0

    def __add__(self, more: "Usage") -> "Usage":
        return Usage(
            max(self.peak, more.peak),
            self.seconds + more.seconds,
            self.processor_seconds + more.processor_seconds,
        )


@dataclass(slots=True)
class Metered:
    """A `Progress` that measures what the steps take, and tells another one of them.

    Linux only: the kernel is told to forget the peak at every step.

    Attributes:
        told: hears of every step.
        used: what each of `STAGES` took so far.
    """

    told: Progress
    used: dict[str, Usage] = field(default_factory=lambda: dict.fromkeys(STAGES, Usage()))

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """See `Progress.step`."""
        stage = _STAGE_OF.get(name, "learn")
        # What was held between two steps counts for the next one.
        before, started, busy = peak_memory(), time.perf_counter(), time.process_time()
        _CLEAR.write_text(_FORGET_PEAK)
        with self.told.step(name, total) as advance:
            yield advance
        took = Usage(max(before, peak_memory()), time.perf_counter() - started, time.process_time() - busy)
        self.used[stage] += took
        _CLEAR.write_text(_FORGET_PEAK)
