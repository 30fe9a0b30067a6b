"""Follows the store's active snapshot: loads a new one beside the live one, then switches."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import SnapshotError, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.reader_check import MANIFEST_KEY
from recommender.snapshot.store import SnapshotStore

from .garbage import long_lived
from .live_snapshot import LiveSnapshot, load_snapshot

logger = logging.getLogger(__name__)

RETRY_REFUSED_SECONDS = 30.0
"""A snapshot that could not be read is tried again after this long: it may have been published anew."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    snapshot: str
    reason: str
    retry_at: float


class SnapshotFollower:
    """Holds the live snapshot of a worker and keeps it the one that is active in the store.

    A request reads `live` once and works on that value: a switch in between does not touch it. `poll` is to
    be called again and again (`Background`).

    Attributes:
        live: the snapshot to answer from; None until one was loaded.
        trouble: why the active snapshot is not followed at the moment; None when all is well.
        withdrawn: whether the store answers but no longer holds the live snapshot.
    """

    def __init__(self, store: SnapshotStore, clock: Callable[[], float], folder: Path | None = None) -> None:
        """Asks nothing yet.

        Args:
            store: where snapshots are.
            clock: seconds.
            folder: see `load_factors`.
        """
        self.live: LiveSnapshot | None = None
        self.trouble: str | None = None
        self.withdrawn = False
        self._store = store
        self._clock = clock
        self._folder = folder
        self._refusal: _Refusal | None = None

    def poll(self) -> None:
        """Ask the store once which snapshot is active, and switch to it if it is another and sound."""
        try:
            self._check_presence()
            self._follow(self._store.active_id())
        except SnapshotError as error:
            self._report(str(error))
            return
        if self.trouble is not None:
            logger.info("following the active snapshot again")
            self.trouble = None

    def _check_presence(self) -> None:
        # Without this a store that was emptied would look like a shop where nobody is known.
        if self.live is not None:
            self.withdrawn = self._store.read(self.live.id, [MANIFEST_KEY]) == [None]

    def _follow(self, active: str) -> None:
        if self.live is not None and self.live.id == active:
            return
        refusal = self._refusal
        if refusal and refusal.snapshot == active and self._clock() < refusal.retry_at:
            raise SnapshotUnreadable(refusal.reason)
        self._switch(active)

    def _switch(self, active: str) -> None:
        try:
            with long_lived():
                loaded = load_snapshot(self._store, active, self._folder)
        except StoreUnavailable:
            raise
        # Whatever is wrong with a snapshot, it must not take down a worker that could wait for a better one.
        except Exception as error:
            reason = str(error) if isinstance(error, SnapshotUnreadable) else f"snapshot {active}: {error!r}"
            self._refusal = _Refusal(active, reason, self._clock() + RETRY_REFUSED_SECONDS)
            raise SnapshotUnreadable(reason) from error
        self._refusal = None
        self.live = loaded
        self.withdrawn = False
        logger.info("snapshot %s is live: %d items", loaded.id, len(loaded.items))

    def _report(self, trouble: str) -> None:
        """Log a trouble when it begins, not at every poll."""
        if trouble != self.trouble:
            logger.warning("%s", trouble)
            self.trouble = trouble
