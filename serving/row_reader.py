"""Reads stored lists: many in one round trip, and the recent ones from memory when the store is gone."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from recommender.errors import StoreUnavailable
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.store import SnapshotStore

from .breaker import CircuitBreaker

logger = logging.getLogger(__name__)

ALWAYS_THERE = entry_key("best-sellers")
"""An entry that every snapshot has, read along: a store without it was emptied, and knows nobody any more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading some entries.

    Attributes:
        rows: value of each entry that was found, by key.
        stale: whether the rows are remembered, because the store could not say.
        unread: keys of which nobody knows whether there is an entry.
    """

    rows: Mapping[str, bytes]
    stale: bool = False
    unread: frozenset[str] = frozenset()

    def with_more(self, other: "Reading") -> "Reading":
        """What came of both readings."""
        return Reading({**self.rows, **other.rows}, self.stale or other.stale, self.unread | other.unread)


class RowReader:
    """Reads entries of a snapshot, and remembers the latest of them for an outage."""

    def __init__(
        self, store: SnapshotStore, breaker: CircuitBreaker, *, most_remembered: int = 20_000
    ) -> None:
        self._store = store
        self._breaker = breaker
        self._most_remembered = most_remembered
        self._remembered: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._memory = Lock()  # granian gives a worker one thread, other servers may give it more
        self._outage = False

    def read(self, snapshot: str, keys: Sequence[str]) -> Reading:
        """The entries, from the store if it answers, else from memory; an outage raises nothing."""
        if not keys:
            return Reading({})
        rows = self._ask(snapshot, [*keys, ALWAYS_THERE])
        if rows is None or self._lost(snapshot, keys, rows):
            return self.recall(snapshot, keys)
        rows.pop(ALWAYS_THERE, None)
        self._remember(snapshot, rows)
        return Reading(rows)

    def recall(self, snapshot: str, keys: Sequence[str]) -> Reading:
        """The entries as far as they are remembered, without asking the store."""
        with self._memory:
            rows = {
                key: self._remembered[snapshot, key] for key in keys if (snapshot, key) in self._remembered
            }
        return Reading(rows, stale=bool(rows), unread=frozenset(keys) - rows.keys())

    def _ask(self, snapshot: str, keys: Sequence[str]) -> dict[str, bytes] | None:
        """The entries that the store has; None when it does not answer."""
        if not self._breaker.allows():
            return None
        try:
            values = self._store.read(snapshot, keys)
        except StoreUnavailable as error:
            self._breaker.failed()
            self._report(outage=True, why=str(error))
            return None
        self._breaker.succeeded()
        self._report(outage=False)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def _lost(self, snapshot: str, keys: Sequence[str], rows: Mapping[str, bytes]) -> bool:
        """Whether the store no longer has what it had: a snapshot never changes, so it lost the snapshot."""
        missing = [key for key in keys if key not in rows]
        return bool(missing) and (
            ALWAYS_THERE not in rows or any((snapshot, key) in self._remembered for key in missing)
        )

    def _remember(self, snapshot: str, rows: Mapping[str, bytes]) -> None:
        with self._memory:
            for key, row in rows.items():
                self._remembered[snapshot, key] = row
                self._remembered.move_to_end((snapshot, key))
            while len(self._remembered) > self._most_remembered:
                self._remembered.popitem(last=False)

    def _report(self, *, outage: bool, why: str = "the store answers again") -> None:
        """Log the beginning and the end of an outage, not every request in it."""
        if outage != self._outage:
            logger.warning("%s: %s", "answering from memory" if outage else "reading lists again", why)
            self._outage = outage
