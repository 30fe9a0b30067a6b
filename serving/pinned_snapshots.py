"""Snapshots that variants of experiments answer from, beside the live one."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from recommender.errors import SnapshotError, StoreUnavailable
from recommender.snapshot.reader_check import MANIFEST_KEY
from recommender.snapshot.store import SnapshotStore

from .follower import RETRY_REFUSED_SECONDS
from .live_snapshot import LiveSnapshot, load_snapshot

logger = logging.getLogger(__name__)


class PinnedSnapshots:
    """Holds each snapshot that is named, for as long as the store has it."""

    def __init__(
        self,
        store: SnapshotStore,
        ids: Sequence[str],
        clock: Callable[[], float],
        folder: Path | None = None,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            store: where they are.
            ids: which.
            clock: seconds.
            folder: see `load_factors`.
        """
        self._store, self._ids, self._clock, self._folder = store, ids, clock, folder
        self._loaded: dict[str, LiveSnapshot] = {}
        self._retry_at: dict[str, float] = {}

    def get(self, id_: str) -> LiveSnapshot | None:
        """The snapshot of this id; None while it cannot be had."""
        return self._loaded.get(id_)

    def poll(self) -> None:
        """Load what is missing, and let go of what the store no longer has."""
        for id_ in self._ids:
            try:
                self._check(id_)
            except StoreUnavailable:
                return  # what is loaded stays
            # As with the live one: whatever is wrong with it, the worker lives on.
            except Exception as error:
                reason = str(error) if isinstance(error, SnapshotError) else repr(error)
                logger.warning("a variant is answered from the live snapshot: %s", reason)
                self._retry_at[id_] = self._clock() + RETRY_REFUSED_SECONDS

    def _check(self, id_: str) -> None:
        if id_ in self._loaded:
            if self._store.read(id_, [MANIFEST_KEY]) == [None]:
                del self._loaded[id_]
                logger.warning("snapshot %s is gone: its variant is answered from the live one", id_)
        elif self._clock() >= self._retry_at.get(id_, float("-inf")):
            self._loaded[id_] = load_snapshot(self._store, id_, self._folder)
            logger.info("snapshot %s is loaded for a variant", id_)
