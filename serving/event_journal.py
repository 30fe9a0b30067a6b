"""Events as they came, on disk: written before they are acknowledged, each counted once."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from msgspec import Struct

from recommender.errors import ConfigError, StoreUnavailable

from .event_schemas import Event, EventType

_WAIT_SECONDS = 2.0
"""How long a worker waits for the others' writes."""

_LAYOUT = """
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
CREATE INDEX IF NOT EXISTS events_to_note ON events (received_at) WHERE to_note;
"""

COLUMNS = (
    "event_id", "type", "customer_id", "session_id", "item_id", "at", "quantity", "price", "value",
    "recommendation_id", "received_at",
)  # fmt: skip

_INSERT = f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}, to_note) VALUES ({', '.join('?' * 12)})"


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
            self._database.executescript(_LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"events cannot be kept in {path} ({error}): check the folder") from error
        self._path, self._turn = path, Lock()

    def add(self, events: Sequence[Event], *, received_at: float) -> list[bool]:
        """Write events, all or none; which of them are new, in the order given.

        Args:
            events: those whose `event_id` is known already, or comes twice, are not written again.
            received_at: seconds since 1970 UTC.

        Raises:
            StoreUnavailable: the disk is full, or the file is locked for too long.
        """
        with self._writing() as database:
            return [
                database.execute(_INSERT, (*_row(event), received_at, event.changes_lists)).rowcount == 1
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

    def noted(self, event_ids: Sequence[str]) -> None:
        """These events have changed their customers' lists.

        Raises:
            StoreUnavailable: see `add`.
        """
        with self._writing() as database:
            database.executemany(
                "UPDATE events SET to_note = 0 WHERE event_id = ?", [(event_id,) for event_id in event_ids]
            )

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


def read_events(path: Path) -> Iterator[dict[str, object]]:
    """Every event of a journal, as it stands on disk now, in the order in which they happened.

    Raises:
        ConfigError: the file is not there, or is no journal.
    """
    if not path.is_file():
        raise ConfigError(f"there are no events in {path}: has a service kept some there?")
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = database.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY at, event_id")
        for row in found:
            yield dict(zip(COLUMNS, row, strict=True))
    except sqlite3.Error as error:
        raise ConfigError(f"the events in {path} cannot be read ({error})") from error
    finally:
        database.close()


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.event_id, event.type, event.customer_id, event.session_id, event.item_id, event.at.timestamp(),
        event.quantity, event.price, event.value, event.recommendation_id,
    )  # fmt: skip
