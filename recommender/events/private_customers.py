"""Customers who do not want to be known: opted out, or erased. Written by the service, read by the trainer.

No id stands in the file: only keyed hashes, with the key beside them. Whoever has an id can ask whether it is
there, and nobody can read from the file which are.
"""

import hmac
import mmap
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Literal

from msgspec import Struct

from recommender.errors import StoreUnavailable

StandingKind = Literal["opted_out", "erased", "returned"]

_SALT_BYTES = 32
_SIGN_BYTES = 8
_WAIT_SECONDS = 2.0

_LAYOUT = """
CREATE TABLE IF NOT EXISTS salt (only INTEGER PRIMARY KEY CHECK (only = 1), value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
    digest BLOB PRIMARY KEY, kind TEXT NOT NULL, since REAL NOT NULL
) WITHOUT ROWID;
"""


class Standing(Struct, frozen=True):
    """What a customer asked for.

    Attributes:
        kind: `opted_out`: personal data is not used; `erased`: it was removed, and is not used where it comes
            again; `returned`: was erased, and agreed to a new history since.
        since: seconds since 1970 UTC.
    """

    kind: StandingKind
    since: float

    @property
    def hidden(self) -> bool:
        """Whether nothing personal may be shown or kept."""
        return self.kind != "returned"

    def leaves_out(self, at: float | None) -> bool:
        """Whether nothing may be learned from what the customer did at this moment.

        Args:
            at: seconds since 1970 UTC; None where it is not known.
        """
        return self.hidden or at is None or at < self.since


class Standings(Struct, frozen=True):
    """What all customers asked for, at one moment.

    Attributes:
        salt: key of the hashes.
        by_digest: by hash of the customer's id.
    """

    salt: bytes
    by_digest: Mapping[bytes, Standing]

    def of(self, customer_id: str) -> Standing | None:
        """What this customer asked for; None for nothing."""
        return self.by_digest.get(_digest(self.salt, customer_id)) if self.by_digest else None

    @property
    def erased(self) -> "Standings":
        """Without those who only opted out, whose history counts again once they agree."""
        kept = {digest: each for digest, each in self.by_digest.items() if each.kind != "opted_out"}
        return Standings(self.salt, kept)


NOTHING_ASKED = Standings(b"", {})


def privacy_path(state: Path, shop: str) -> Path:
    """Where a service with this state folder keeps who is not to be known of a shop."""
    return state / "privacy" / f"{shop}.sqlite"


class PrivacySign:
    """Some bytes in a file beside the register, others after each change: seen without asking the system."""

    def __init__(self, register: Path) -> None:
        """Makes the file where it is missing.

        Args:
            register: its path.

        Raises:
            OSError: it cannot be made or mapped.
        """
        register.parent.mkdir(parents=True, exist_ok=True)
        handle = _opened_sign(register)
        try:
            os.ftruncate(handle, _SIGN_BYTES)
            self._seen = mmap.mmap(handle, _SIGN_BYTES)
        finally:
            os.close(handle)

    def read(self) -> bytes:
        """What it says now."""
        return self._seen[:]


class PrivacyRegister:
    """What customers of one shop asked for, in an SQLite file that workers and the trainer share.

    A commit is on disk when it returns (write-ahead log, `synchronous = FULL`).
    """

    def __init__(self, path: Path) -> None:
        """Opens the file; makes it where it is missing.

        Raises:
            StoreUnavailable: it cannot be opened, or is no such file.
        """
        self._path, self._turn = path, Lock()
        with self._refusals():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_LAYOUT)
            self._database.execute(
                "INSERT OR IGNORE INTO salt VALUES (1, ?)", (secrets.token_bytes(_SALT_BYTES),)
            )
            (self._salt,) = self._database.execute("SELECT value FROM salt").fetchone()

    def set(self, customer_id: str, standing: Standing | None) -> None:
        """Keep what a customer asked for; None forgets it. On disk when this returns.

        Raises:
            StoreUnavailable: the disk is full, or the file is locked for too long.
        """
        digest = _digest(self._salt, customer_id)
        with self._refusals(), _changing_sign(self._path):
            if standing is None:
                self._database.execute("DELETE FROM customers WHERE digest = ?", (digest,))
            else:
                self._database.execute(
                    "INSERT OR REPLACE INTO customers VALUES (?, ?, ?)",
                    (digest, standing.kind, standing.since),
                )

    def of(self, customer_id: str) -> Standing | None:
        """What this customer asked for; None for nothing.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        digest = _digest(self._salt, customer_id)
        with self._refusals():
            row = self._database.execute(
                "SELECT kind, since FROM customers WHERE digest = ?", (digest,)
            ).fetchone()
        return Standing(*row) if row else None

    def all(self) -> Standings:
        """What everybody asked for.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        with self._refusals():
            rows = self._database.execute("SELECT digest, kind, since FROM customers").fetchall()
        return Standings(self._salt, {digest: Standing(kind, since) for digest, kind, since in rows})

    def others_wrote(self) -> int:
        """Another number each time that somebody else changed the file.

        Raises:
            StoreUnavailable: the file cannot be read.
        """
        with self._refusals():
            return int(self._database.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            with self._turn:
                yield
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(
                f"customers who opted out or were erased, in {self._path}: {error}: check the folder"
            ) from error


def read_standings(state: Path, shop: str) -> Standings:
    """What customers asked for, as it stands in a state folder; nothing where there is no such file.

    Raises:
        StoreUnavailable: the file is there and cannot be read.
    """
    path = privacy_path(state, shop)
    if not path.exists():
        return NOTHING_ASKED
    register = PrivacyRegister(path)
    try:
        return register.all()
    finally:
        register.close()


@contextmanager
def _changing_sign(register: Path) -> Iterator[None]:
    """Change it after the block, and find out before it whether that can be done."""
    handle = _opened_sign(register)
    try:
        yield
        os.pwrite(handle, secrets.token_bytes(_SIGN_BYTES), 0)
    finally:
        os.close(handle)


def _opened_sign(register: Path) -> int:
    # Who may write the register may write this, as SQLite's own files beside it.
    return os.open(register.with_suffix(".changed"), os.O_RDWR | os.O_CREAT, 0o644)


def _digest(salt: bytes, customer_id: str) -> bytes:
    return hmac.digest(salt, customer_id.encode(), "sha256")
