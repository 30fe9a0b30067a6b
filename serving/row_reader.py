"""Reads stored lists: many in one round trip, and the recent ones from memory when the store is gone."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from threading import Lock

from recommender.errors import SnapshotMissing, SnapshotUnreadable, StoreUnavailable
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.pages import entry_of, row_in
from recommender.snapshot.store import SnapshotStore

from .breaker import CircuitBreaker
from .invalidations import moment
from .row_memory import RowMemory

logger = logging.getLogger(__name__)

ALWAYS_THERE = entry_key("best-sellers")
"""An entry that every snapshot has, read along: a store without it was emptied, and knows nobody any more."""

_MOMENT = Struct("<q?")
"""Before a value that is remembered: when it was read, and whether there was one."""

_MOST_DAMAGED = 1_000
"""Damaged pages that are remembered as logged; then they are logged anew."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading some rows.

    Attributes:
        rows: each row that was found, by key.
        stale: whether rows are remembered, because the store could not say.
        unread: keys of which nobody knows whether there is a row.
        beside: values that belong to no snapshot, by name, as far as there are any; remembered ones where the
            store does not answer.
        fresh: whether the store answered, and holds the snapshot.
        at: from before it was asked, see `moment`; 0 where it was not.
    """

    rows: Mapping[str, bytes]
    stale: bool = False
    unread: frozenset[str] = frozenset()
    beside: Mapping[str, bytes] = field(default_factory=dict)
    fresh: bool = field(default=False, compare=False)
    at: int = field(default=0, compare=False)

    def with_more(self, other: "Reading") -> "Reading":
        """What came of both readings."""
        return Reading(
            {**self.rows, **other.rows},
            self.stale or other.stale,
            self.unread | other.unread,
            self.beside,
            self.fresh and other.fresh,
            self.at,
        )


class RowReader:
    """Reads rows of a snapshot, and remembers the latest of them: for an outage, and to ask less.

    Attributes:
        breaker: says when the store is not asked.
        reads: how often the store was asked.
        failures: how often it did not answer.
        memory: what is remembered.
    """

    def __init__(
        self, store: SnapshotStore, breaker: CircuitBreaker, memory: RowMemory | None = None
    ) -> None:
        self._store = store
        self.breaker = breaker
        self.reads = self.failures = 0
        self.memory = memory or RowMemory()
        self._reporting = Lock()  # granian gives a worker one thread, other servers may give it more
        self._damaged: set[tuple[str, str]] = set()
        self._outage = False

    def read(
        self, snapshot: str, keys: Sequence[str], pages: Mapping[str, int], beside: Sequence[str] = ()
    ) -> Reading:
        """The rows, from the store if it answers, else from memory; an outage raises nothing.

        Args:
            snapshot: id.
            keys: of the rows.
            pages: of the snapshot's manifest: which rows lie in pages, and in how many.
            beside: names of values that belong to no snapshot.
        """
        if not keys and not beside:
            return Reading({})
        entry_keys = {key: entry_of(key, pages) for key in keys}
        asked = [*dict.fromkeys(entry_keys.values()), ALWAYS_THERE]
        at = moment()
        answered = self._ask(snapshot, asked, beside)
        if answered is None:
            return self.recall(snapshot, keys, beside)
        entries, values = answered
        rows, damaged = _rows(entries, entry_keys)
        lacking = [key for key in entry_keys if key not in rows]
        if lacking and ALWAYS_THERE not in entries:
            return self.recall(snapshot, keys, beside)
        for key, row in rows.items():
            self.memory.put(_name(snapshot, key), row)
        for name in beside:
            self.memory.put(name, _MOMENT.pack(at, name in values) + values.get(name, b""))
        if not lacking:
            return Reading(rows, beside=values, fresh=ALWAYS_THERE in entries, at=at)
        self._put_aside(snapshot, damaged)
        # A snapshot never changes: a row that was there once is lost, and what it said still holds.
        recalled = self.recall(snapshot, lacking)
        unread = {key for key in lacking if entry_keys[key] in damaged} - recalled.rows.keys()
        return Reading(
            {**rows, **recalled.rows},
            recalled.stale,
            frozenset(unread),
            values,
            fresh=ALWAYS_THERE in entries,
            at=0 if damaged or recalled.rows else at,
        )

    def poll(self) -> None:
        """While the store is taken for gone, ask it again: so no request has to wait to find out."""
        if not self.breaker.is_open:
            return
        try:
            self._store.active_id()
        except StoreUnavailable:
            self.breaker.failed()
        except SnapshotMissing:
            self.breaker.succeeded()
        else:
            self.breaker.succeeded()

    def forget(self, hidden: Callable[[str], bool], customer_id: str | None = None) -> None:
        """Remember nothing any more of customers.

        Args:
            hidden: whether one is to be forgotten.
            customer_id: the only one of whom that is new; None where anybody may be.
        """
        if customer_id is None:
            self.memory.remove_where(hidden)
        else:
            self.memory.remove_all_about(customer_id)

    def distrust(self, snapshot: str, keys: Iterable[str]) -> None:
        """Ask the store again for rows that could not be read: they may be set right there."""
        for key in keys:
            self.memory.remove(_name(snapshot, key))

    def recall(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> Reading:
        """The entries as far as they are remembered, without asking the store."""
        rows, values = {}, {}
        for key in keys:
            if (row := self.memory.get(_name(snapshot, key))) is not None:
                rows[key] = row
        for name in beside:
            if (value := self.known(name)[1]) is not None:
                values[name] = value
        unread = frozenset(keys) - rows.keys() if len(rows) < len(keys) else frozenset()
        return Reading(rows, stale=bool(rows), unread=unread, beside=values)

    def known(self, name: str) -> tuple[int, bytes | None]:
        """What a value that belongs to no snapshot was when it was read last, and when that was.

        Args:
            name: as in `read`.

        Returns:
            see `Reading.at`; 0 where it is not remembered. And the value, None where there was none.
        """
        found = self.memory.get(name)
        if found is None:
            return 0, None
        at, there = _MOMENT.unpack_from(found)
        return at, found[_MOMENT.size :] if there else None

    def _ask(
        self, snapshot: str, keys: Sequence[str], beside: Sequence[str]
    ) -> tuple[dict[str, bytes], dict[str, bytes]] | None:
        """The entries that the store has, and the values beside; None when it does not answer."""
        if not self.breaker.allows():
            return None
        self.reads += 1
        try:
            values = self._store.read(snapshot, keys, beside)
        except StoreUnavailable as error:
            self.failures += 1
            self.breaker.failed()
            self._report(outage=True, why=str(error))
            return None
        self.breaker.succeeded()
        self._report(outage=False)
        return _there(keys, values), _there(beside, values[len(keys) :])

    def _put_aside(self, snapshot: str, damaged: Mapping[str, str]) -> None:
        """Log each page that cannot be read once, not at every request for it."""
        for page, why in damaged.items():
            with self._reporting:
                known = (snapshot, page) in self._damaged
                if len(self._damaged) >= _MOST_DAMAGED:
                    self._damaged.clear()
                self._damaged.add((snapshot, page))
            if not known:
                logger.warning("%s is put aside: %s", page, why)

    def _report(self, *, outage: bool, why: str = "the store answers again") -> None:
        """Log the beginning and the end of an outage, not every request in it."""
        if outage != self._outage:
            logger.warning("%s: %s", "answering from memory" if outage else "reading lists again", why)
            self._outage = outage


def _name(snapshot: str, key: str) -> str:
    """What a row is remembered by: like nothing beside, whose names begin otherwise."""
    return f"{snapshot}/{key}"


def _there(keys: Sequence[str], values: Sequence[bytes | None]) -> dict[str, bytes]:
    return {key: value for key, value in zip(keys, values, strict=False) if value is not None}


def _rows(
    entries: Mapping[str, bytes], entry_keys: Mapping[str, str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """The rows in entries, and what is wrong with pages: of those nobody knows what they held."""
    rows, damaged = {}, {}
    for key, entry_key_ in entry_keys.items():
        entry = entries.get(entry_key_)
        try:
            row = entry if entry_key_ == key else _row_in(entry, key)
        except SnapshotUnreadable as error:
            damaged[entry_key_] = str(error)
            continue
        if row is not None:
            rows[key] = row
    return rows, damaged


def _row_in(page: bytes | None, key: str) -> bytes | None:
    if page is None:
        # Every page is there, even one without a row.
        raise SnapshotUnreadable("it is missing in the store: publish the snapshot again")
    return row_in(page, key)
