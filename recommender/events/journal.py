"""Events as they came, on disk: written before they are acknowledged, each counted once."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Literal

from msgspec import Struct
from msgspec.structs import astuple

from recommender.errors import ConfigError, StoreUnavailable

EventType = Literal["view", "cart", "purchase", "click", "dismiss", "rating"]

CHANGING_LISTS: frozenset[EventType] = frozenset({"purchase", "dismiss"})
"""Events that have an effect on their customer's next list."""

_WAIT_SECONDS = 2.0
"""How long a worker waits for the others' writes."""

LAYOUT = """
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    customer_id TEXT,
    session_id TEXT,
    item_id TEXT NOT NULL,
    at REAL NOT NULL,
    quantity REAL,
    price REAL,
    value REAL,
    recommendation_id TEXT,
    received_at REAL NOT NULL,
    to_note INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_of_customers ON events (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_of_sessions ON events (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_to_note ON events (received_at) WHERE to_note;
"""
"""Tables of the events."""


class StoredEvent(Struct, frozen=True, kw_only=True):
    """Something that a customer did.

    Attributes:
        event_id: the sender's; counts once.
        type: what was done.
        customer_id: who, if known.
        session_id: in which session.
        item_id: the shop's id.
        at: when, in seconds since 1970 UTC.
        quantity: pieces.
        price: of one piece.
        value: of a rating.
        recommendation_id: of the answer in which the item was shown.
        received_at: when it was sent to us, in seconds since 1970 UTC.
    """

    event_id: str
    type: EventType
    customer_id: str | None = None
    session_id: str | None = None
    item_id: str
    at: float
    quantity: float | None = None
    price: float | None = None
    value: float | None = None
    recommendation_id: str | None = None
    received_at: float

    @property
    def changes_lists(self) -> bool:
        """Whether the customer's next list differs for it."""
        return self.customer_id is not None and self.type in CHANGING_LISTS


COLUMNS = StoredEvent.__struct_fields__

_OF_CUSTOMER = """(
    customer_id = :customer
    OR customer_id IS NULL AND session_id IN (SELECT session_id FROM events WHERE customer_id = :customer)
)"""
"""Also what was done before the customer was known, in the sessions in which they were."""

_INSERT = (
    f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}, to_note) "
    f"VALUES ({', '.join('?' for _ in COLUMNS)}, ?)"
)


def journal_path(state: Path, shop: str) -> Path:
    """Where a service with this state folder keeps the events of a shop."""
    return state / "events" / f"{shop}.sqlite"


class ToNote(Struct, frozen=True):
    """An event that changes what its customer is shown, and may not have done so yet."""

    event_id: str
    type: EventType
    customer_id: str
    item_id: str
    at: float


class EventJournal:
    """The events of one shop on one machine, in an SQLite file that its workers share.

    A commit is on disk when it returns (write-ahead log, `synchronous = FULL`); what is not committed is not
    there after a crash.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file; makes it where it is missing.

        Raises:
            StoreUnavailable: it cannot be opened, or is no such file.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # One connection a worker; threads of servers that have several take turns.
            self._database = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            # What is deleted is overwritten, and not only no longer found.
            self._database.execute("PRAGMA secure_delete = ON")
            self._database.executescript(LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"events cannot be kept in {path} ({error}): check the folder") from error
        self._path, self._turn = path, Lock()

    def add(self, events: Sequence[StoredEvent]) -> list[bool]:
        """Write events, all or none; which of them are new, in the order given.

        Args:
            events: those whose `event_id` is known already, or comes twice, are not written again.

        Raises:
            StoreUnavailable: the disk is full, or the file is locked for too long.
        """
        with self._writing() as database:
            return [
                database.execute(_INSERT, (*astuple(event), event.changes_lists)).rowcount == 1
                for event in events
            ]

    def to_note(self, most: int, *, received_until: float) -> list[ToNote]:
        """Events that have changed no list yet, the oldest first.

        Args:
            most: events.
            received_until: seconds since 1970 UTC.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        columns = ", ".join(ToNote.__struct_fields__)
        waiting = "to_note AND received_at <= ?"
        with self._reading() as database:
            found = database.execute(
                f"SELECT {columns} FROM events WHERE {waiting} ORDER BY received_at LIMIT ?",
                (received_until, most),
            )
            return [ToNote(*row) for row in found]

    def oldest_to_note(self) -> float | None:
        """When the oldest event that has changed no list yet was sent; None where there is none.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        with self._reading() as database:
            oldest: float | None = database.execute(
                "SELECT MIN(received_at) FROM events WHERE to_note"
            ).fetchone()[0]
            return oldest

    def noted(self, event_ids: Sequence[str]) -> None:
        """These events have changed their customers' lists.

        Raises:
            StoreUnavailable: see `add`.
        """
        with self._writing() as database:
            database.executemany(
                "UPDATE events SET to_note = 0 WHERE event_id = ?", [(event_id,) for event_id in event_ids]
            )

    def of_customer(self, customer_id: str, most: int, *, after: str = "") -> list[StoredEvent]:
        """Events of a customer, and of their sessions before they were known, by `event_id`.

        Args:
            customer_id: who.
            most: events.
            after: the last `event_id` that is known already.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        asked = {"customer": customer_id, "after": after, "most": most}
        with self._reading() as database:
            found = database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM events WHERE {_OF_CUSTOMER} AND event_id > :after "
                "ORDER BY event_id LIMIT :most",
                asked,
            )
            return [StoredEvent(**dict(zip(COLUMNS, row, strict=True))) for row in found]

    def erase(self, customer_id: str) -> int:
        """Remove what `of_customer` finds, from the file's bytes too; how many events there were.

        Raises:
            StoreUnavailable: the file is in use for too long; asking again goes on.
        """
        with self._reading() as database:
            # Found before any is removed: those of a session are found by those of the customer.
            found = database.execute(
                f"SELECT event_id FROM events WHERE {_OF_CUSTOMER}", {"customer": customer_id}
            ).fetchall()
        self.remove([event_id for (event_id,) in found])
        return len(found)

    def remove(self, event_ids: Sequence[str]) -> None:
        """Remove events, from the file's bytes too.

        Raises:
            StoreUnavailable: see `erase`.
        """
        with self._writing() as database:
            database.executemany(
                "DELETE FROM events WHERE event_id = ?", [(event_id,) for event_id in event_ids]
            )
        with self._reading() as database:
            # The log still has the pages as they were.
            (busy, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreUnavailable(f"events in {self._path} are being read by others: ask again")

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._turn:
                yield self._database
        except sqlite3.Error as error:
            raise StoreUnavailable(f"events in {self._path}: {error}: check the disk") from error


def read_events(path: Path) -> Iterator[StoredEvent]:
    """Every event of a journal, as it stands on disk now, in the order in which they happened.

    Raises:
        ConfigError: the file is not there, or is no journal.
    """
    if not path.is_file():
        raise ConfigError(f"there are no events in {path}: has a service kept some there?")
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        found = database.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY at, event_id")
        for row in found:
            yield StoredEvent(**dict(zip(COLUMNS, row, strict=True)))
    except sqlite3.Error as error:
        raise ConfigError(f"the events in {path} cannot be read ({error})") from error
    finally:
        database.close()
