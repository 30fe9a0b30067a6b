"""Who was first shown which variant of an experiment, and when; beside the events of the shop."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from recommender.errors import ConfigError, StoreUnavailable
from recommender.events.journal import LAYOUT

UnitKind = Literal["customer", "session"]

_WAIT_SECONDS = 2.0
"""How long a writer waits for the others; only background jobs write here."""

_LAYOUT = """
CREATE TABLE IF NOT EXISTS exposures (
    experiment TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    variant TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (experiment, kind, id, variant)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS exposures_of_ids ON exposures (kind, id);
CREATE TABLE IF NOT EXISTS experiment_plans (
    experiment TEXT NOT NULL,
    plan TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (experiment, plan)
) WITHOUT ROWID;
"""


class Exposure(Struct, frozen=True):
    """Somebody was shown what a variant answers.

    Attributes:
        experiment: its name.
        kind: whether `id` is a customer's or, of a guest, a session's.
        id: as the shop calls them.
        variant: its name.
        at: when, in seconds since 1970 UTC.
    """

    experiment: str
    kind: UnitKind
    id: str
    variant: str
    at: float


class Plan(Struct, frozen=True):
    """What an experiment was set up as.

    Attributes:
        placement: where it takes place.
        salt: that customers were drawn with.
        shares: share of customers by name of variant; the first variant is the control.
        rules: stands for what the variants answer; another one where any of that was changed.
    """

    placement: str
    salt: str
    shares: dict[str, float]
    rules: str


class KnownPlan(Struct, frozen=True):
    """A plan, and since when it holds.

    Attributes:
        experiment: its name.
        plan: what it was set up as.
        since: when the worker began that first wrote exposures of it, in seconds since 1970 UTC.
    """

    experiment: str
    plan: Plan
    since: float


_ADD = """
INSERT INTO exposures (experiment, kind, id, variant, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (experiment, kind, id, variant) DO UPDATE SET at = min(at, excluded.at)
"""


def add_exposures(journal: Path, exposures: Sequence[Exposure], plans: Sequence[KnownPlan]) -> None:
    """Write exposures, all or none; of one that is known the earliest time stays.

    Args:
        journal: see `journal_path`.
        exposures: in any order.
        plans: of their experiments; those that are known stay as they are.

    Raises:
        StoreUnavailable: the disk is full, or the file is locked for too long.
    """
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(journal, timeout=_WAIT_SECONDS, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            # With that of the events: who reads one reads both, and there may have been none yet.
            database.executescript(LAYOUT + _LAYOUT)
            database.execute("BEGIN IMMEDIATE")
            database.executemany(_ADD, map(astuple, exposures))
            database.executemany(
                "INSERT OR IGNORE INTO experiment_plans (experiment, plan, since) VALUES (?, ?, ?)",
                [(one.experiment, msgspec.json.encode(one.plan).decode(), one.since) for one in plans],
            )
            database.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"exposures cannot be kept in {journal} ({error}): check the disk") from error


def erase_exposures(journal: Path, customer_id: str) -> int:
    """Remove what a customer was shown; how many exposures there were.

    Raises:
        StoreUnavailable: the disk is full, or the file is locked for too long.
    """
    if not journal.is_file():
        return 0
    try:
        with closing(sqlite3.connect(journal, timeout=_WAIT_SECONDS, isolation_level=None)) as database:
            # What is deleted is overwritten, in the file and in what waits to be written to it.
            database.execute("PRAGMA secure_delete = ON")
            database.executescript(LAYOUT + _LAYOUT)
            removed = database.execute(
                "DELETE FROM exposures WHERE kind = 'customer' AND id = ?", (customer_id,)
            ).rowcount
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"exposures cannot be removed from {journal} ({error}): check the disk"
        ) from error
    return removed


def read_exposures(journal: Path, experiment: str) -> list[Exposure]:
    """Every exposure of an experiment, in the order in which they happened.

    Raises:
        ConfigError: the file is not there, is no journal, or knows of no experiment.
    """
    columns = ", ".join(Exposure.__struct_fields__)
    query = f"SELECT {columns} FROM exposures WHERE experiment = ? ORDER BY at, kind, id"
    return [Exposure(*row) for row in _rows(journal, query, experiment)]


def read_plans(journal: Path) -> list[KnownPlan]:
    """What experiments were set up as, the oldest plan first.

    Raises:
        ConfigError: see `read_exposures`.
    """
    found = _rows(journal, "SELECT experiment, plan, since FROM experiment_plans ORDER BY since, experiment")
    try:
        return [KnownPlan(name, msgspec.json.decode(plan, type=Plan), since) for name, plan, since in found]
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"a plan of an experiment in {journal} cannot be read ({error}): was it written by another "
            "version?"
        ) from error


def _rows(journal: Path, query: str, *values: str) -> Iterator[tuple[Any, ...]]:
    if not journal.is_file():
        raise ConfigError(f"there are no events in {journal}: has a service kept some there?")
    with closing(sqlite3.connect(f"{journal.resolve().as_uri()}?mode=ro", uri=True)) as database:
        try:
            yield from database.execute(query, values)
        except sqlite3.Error as error:
            raise ConfigError(
                f"{journal} holds no experiments that can be read ({error}): has a service answered one?"
            ) from error
