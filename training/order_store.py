"""The order store: every order line ever read, kept so that a day's export is all that a day needs."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from recommender.errors import ConfigError
from recommender.events.private_customers import NOTHING_ASKED, Standings

from .progress import Progress
from .source_settings import SourceSettings
from .sources.canonical import lines_of, refuse_unreadable
from .sources.private_lines import without_private
from .sources.stored import (
    MANIFEST,
    PARTS,
    Part,
    StoreManifest,
    digest,
    digest_of_values,
    is_store,
    open_store,
    parts_in,
    read_store_manifest,
    storable,
    stored_lines,
)
from .sources.tables import Table

_LOCK = "lock"
_UNFINISHED = ".unfinished"
_UNFINISHED_PART = f"{_UNFINISHED}.parquet"


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding exports to a store.

    Attributes:
        lines: order lines added.
        parts: tables added.
        known: names of the tables that were there already, line for line.
        empty: names of the tables without an order line.
        whole: order lines that the store holds now.
    """

    lines: int
    parts: int
    known: tuple[str, ...]
    empty: tuple[str, ...]
    whole: int


@dataclass(frozen=True, slots=True)
class OrderStore:
    """A folder that holds order lines as they were read, table by table, before anything is put aside.

    Which lines count is decided when all are read together (`cleaning.clean`): so a line that stands in two
    exports, a later return and the spelling of an id come out as if all exports had been read at once. What
    was added never changes, but for lines of customers who were erased. `read_orders` takes the folder as a
    source.

    Attributes:
        folder: made when it is first locked; with files of somebody else in it, these stay.
    """

    folder: Path

    @property
    def manifest(self) -> StoreManifest:
        """What it holds; nothing where it is not there yet.

        Raises:
            DataError: it cannot be read, or parts are there and the manifest is lost.
        """
        return read_store_manifest(self.folder) if is_store(self.folder) else StoreManifest()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the store if it is not there, and keep every other writer out until this one ends.

        The system lets go of it for whoever is killed.

        Raises:
            ConfigError: somebody else is at work, or the folder cannot be made.
        """
        try:
            (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigError(f"cannot use order store {self.folder}: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"another update is at work on order store {self.folder}: wait until it has ended"
            ) from error
        else:
            self._begin()
            yield
        finally:
            os.close(descriptor)

    def _begin(self) -> None:
        """A manifest of nothing in a new store: parts without any are a store that lost it."""
        if is_store(self.folder):
            return
        try:
            self._replace_manifest(StoreManifest())
        except OSError as error:
            raise ConfigError(f"cannot use order store {self.folder}: {error.strerror or error}") from error

    def erase(self, private: Standings, *, fold: bool, progress: Progress) -> int:
        """Remove for good what may never be learned from again; how many order lines there were.

        Killed at any moment, every part is as it was or as it should be.

        Args:
            private: customers who were erased.
            fold: see `without_private`; another spelling counts where it stands in one part with the erased.
            progress: told of every part.

        Raises:
            ConfigError: the store cannot be written.
            DataError: a part was changed or lost.
        """
        before = self.manifest
        if not private.by_digest or not before.parts:
            return 0
        parts, removed = [], 0
        try:
            self._drop_leftovers(before)
            opened = zip(before.parts, open_store(self.folder), strict=True)
            with progress.step("Remove erased customers", total=len(before.parts)) as advance:
                for number, (part, table) in enumerate(opened, start=1):
                    lines = stored_lines(table.frame, 0).collect()
                    kept = without_private(lines, private, fold=fold)
                    removed += len(lines) - len(kept)
                    if len(kept) == len(lines):
                        parts.append(part)
                    elif len(kept):
                        stored = storable(kept)
                        values = digest_of_values(stored)
                        changed = msgspec.structs.replace(part, lines=len(kept), values=values)
                        parts.append(self._write(stored, number, changed))
                    advance(number)
            if removed:
                self._replace_manifest(whole := StoreManifest(tuple(parts)))
                self._drop_leftovers(whole)
        except OSError as error:
            raise ConfigError(
                f"cannot write order store {self.folder} ({error.strerror or error}): nothing was removed"
            ) from error
        return removed

    def add(
        self,
        tables: Sequence[Table],
        source: SourceSettings,
        *,
        private: Standings = NOTHING_ASKED,
        fold: bool = False,
        progress: Progress,
    ) -> Added:
        """Add exports, all of them or, if anything goes wrong or the process is killed, none.

        Args:
            tables: as `open_orders` opens them.
            source: how they are written; later changes to it do not reach what was added.
            private: customers who were erased; their lines are not added.
            fold: see `erase`.
            progress: told of every table.

        Raises:
            ConfigError: the store cannot be written.
            DataError: an export cannot be read, or not one of its lines; the store stays as it was.
        """
        before = self.manifest
        new: list[Part] = []
        known, empty = [], []
        try:
            self._drop_leftovers(before)
            with progress.step("Add to the order store", total=len(tables)) as advance:
                for number, table in enumerate(tables):
                    lines = without_private(lines_of(table, 0, source), private, fold=fold)
                    there = (*before.parts, *new)
                    if lines.is_empty():
                        empty.append(table.name)
                    elif (part := self._written(table, lines, there)) is None:
                        known.append(table.name)
                    else:
                        new.append(part)
                    advance(number + 1)
            whole = StoreManifest((*before.parts, *new))
            if new:
                self._replace_manifest(whole)
        except OSError as error:
            raise ConfigError(
                f"cannot write order store {self.folder} ({error.strerror or error}): nothing was added"
            ) from error
        return Added(
            lines=sum(part.lines for part in new),
            parts=len(new),
            known=tuple(known),
            empty=tuple(empty),
            whole=sum(part.lines for part in whole.parts),
        )

    def _written(self, table: Table, lines: pl.DataFrame, there: Sequence[Part]) -> Part | None:
        """The part of a table, on disk; None where one that is there holds the same lines."""
        refuse_unreadable(lines, [table])
        stored = storable(lines)
        values = digest_of_values(stored)
        if any(part.values == values for part in there):
            return None
        name = _free_name(table.name, there)
        return self._write(
            stored, len(there) + 1, Part("", name, len(lines), "", values, table.guessed_encoding)
        )

    def _write(self, stored: pl.DataFrame, number: int, part: Part) -> Part:
        """The part, on disk, with its file and the digest of that."""
        unfinished = self.folder / PARTS / _UNFINISHED_PART
        stored.write_parquet(unfinished, compression="zstd", statistics=False)
        sha256 = digest(unfinished)
        file = f"{PARTS}/{number:06}-{part.values[:8]}.parquet"
        _sync(unfinished)
        unfinished.rename(self.folder / file)
        _sync(self.folder / PARTS)
        return msgspec.structs.replace(part, file=file, sha256=sha256)

    def _replace_manifest(self, manifest: StoreManifest) -> None:
        unfinished = self.folder / (MANIFEST + _UNFINISHED)
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        _sync(unfinished)
        unfinished.rename(self.folder / MANIFEST)
        _sync(self.folder)

    def _drop_leftovers(self, manifest: StoreManifest) -> None:
        """Remove what a killed addition has left, parts that the manifest does not name; nothing else."""
        (self.folder / PARTS / _UNFINISHED_PART).unlink(missing_ok=True)
        named = {self.folder / part.file for part in manifest.parts}
        for path in parts_in(self.folder):
            if path not in named:
                path.unlink()


def _free_name(name: str, there: Sequence[Part]) -> str:
    """A name that no part has: exports are often called the same every day."""
    taken = {part.name for part in there}
    if name not in taken:
        return name
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
