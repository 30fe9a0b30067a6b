"""Exposures on their way to disk: noted in memory at once, written in batches beside answering."""

import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from recommender.errors import StoreUnavailable
from recommender.events.exposures import Exposure, KnownPlan, add_exposures

logger = logging.getLogger(__name__)

_MOST_WAITING = 100_000
"""Exposures that wait while the disk takes none; more are noted when they come again."""

_MOST_KNOWN = 100_000
"""Exposures that are known to be noted; then they are noted anew, which changes nothing."""


class ExposureQueue:
    """Takes exposures without waiting for anything, and writes each once."""

    def __init__(self, journal: Path, plans: Mapping[str, KnownPlan]) -> None:
        """Opens nothing yet.

        Args:
            journal: file of the events.
            plans: of the experiments, by name.
        """
        self._journal, self._plans = journal, plans
        self._waiting: deque[Exposure] = deque()
        # Hashes, since names of so many would be too much: one in a thousand million million is mistaken.
        self._known: set[int] = set()
        self._writing = Lock()
        self._trouble = False

    def add(self, exposure: Exposure) -> None:
        """Note an exposure, unless it was noted before."""
        name = hash((exposure.experiment, exposure.kind, exposure.id, exposure.variant))
        if name in self._known or len(self._waiting) >= _MOST_WAITING:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.add(name)
        self._waiting.append(exposure)

    def write(self) -> None:
        """Write down what was noted; what cannot be written waits for the next time."""
        with self._writing:
            batch = list(self._waiting)
            if not batch:
                return
            plans = [self._plans[name] for name in dict.fromkeys(one.experiment for one in batch)]
            try:
                add_exposures(self._journal, batch, plans)
            except StoreUnavailable as error:
                self._report(str(error))
                return
            # Others are only ever appended meanwhile.
            for _ in batch:
                self._waiting.popleft()
            self._trouble = False

    def _report(self, trouble: str) -> None:
        if not self._trouble:
            logger.warning("%d exposures wait: %s", len(self._waiting), trouble)
        self._trouble = True
