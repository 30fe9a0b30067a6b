"""Two ways of doing one thing, timed by turns: no machine is quiet, and only their ratio says anything."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

TIMES = 3
"""How often each is done."""


@dataclass(frozen=True, slots=True)
class Paired:
    """How long each took, in seconds, in the order of the turns.

    Attributes:
        ours, theirs: one entry a turn.
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times as fast ours is: the median of the turns' ratios."""
        return median(their / our for our, their in zip(self.ours, self.theirs, strict=True))


def paired(ours: Callable[[], object], theirs: Callable[[], object], *, times: int = TIMES) -> Paired:
    """Time both by turns; whoever begins changes from turn to turn."""
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for turn in range(times):
        both = [("ours", ours), ("theirs", theirs)]
        for name, work in both if turn % 2 == 0 else both[::-1]:
            started = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - started)
    return Paired(tuple(took["ours"]), tuple(took["theirs"]))
