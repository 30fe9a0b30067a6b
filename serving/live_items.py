"""The live snapshot with what the shop said of its items since the training."""

import logging
from threading import Lock
from typing import Protocol

from recommender.errors import StoreUnavailable

from .item_changes import ChangedSnapshots, KnownChanges
from .live_snapshot import LiveSnapshot

logger = logging.getLogger(__name__)


class ItemState(Protocol):
    """Where changes of items are kept; see `LiveState`."""

    def changes(self, known: KnownChanges) -> KnownChanges:
        """All that is said of items, given what was known before."""
        ...

    def restore(self, known: KnownChanges) -> None:
        """Say again what was lost."""
        ...


class LiveItems:
    """A worker's knowledge of the changes; as new as the version that a request has read.

    Attributes:
        known: all changes that this worker knows of.
    """

    def __init__(self, state: ItemState) -> None:
        self.known = KnownChanges()
        self._state = state
        self._snapshots = ChangedSnapshots()
        self._fetching = Lock()

    def seen(self, live: LiveSnapshot, version: bytes | None) -> LiveSnapshot:
        """The snapshot with all changes up to a version, or all that are known where more cannot be read.

        Args:
            live: as it was published.
            version: that Redis names now; None where it names none, or did not answer.
        """
        if version is not None and version != self.known.version:
            self._fetch(version)
        return self._snapshots.of(live, self.known)

    def poll(self) -> None:
        """Say again what Redis has lost, where it was emptied or replaced by an older copy."""
        if not self.known.changes:
            return
        try:
            if self._state.changes(KnownChanges()).version is None:
                self._state.restore(self.known)
                logger.warning("Redis had lost %d changes of items: said again", len(self.known.changes))
        except StoreUnavailable:
            return

    def _fetch(self, version: bytes) -> None:
        with self._fetching:
            if version == self.known.version:
                return
            try:
                self.known = self._state.changes(self.known)
            except StoreUnavailable as error:
                logger.warning("items are shown as they were: %s", error)
