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

from .progress import Progress
from .source_settings import SourceSettings
from .sources.canonical import lines_of, open_orders, refuse_unreadable
from .sources.stored import MANIFEST, Part, StoreManifest, digest, is_store, read_store_manifest, storable
from .sources.tables import Source, Table

_PARTS = "parts"
_LOCK = "lock"
_UNFINISHED = ".unfinished"


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
    was added never changes. `read_orders` takes the folder as a source.

    Attributes:
        folder: made with the first addition.
    """

    folder: Path

    @property
    def manifest(self) -> StoreManifest:
        """What it holds; nothing where it is not there yet."""
        return read_store_manifest(self.folder) if is_store(self.folder) else StoreManifest()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other writer out; the system lets go of it for whoever is killed.

        Raises:
            ConfigError: somebody else is at work, or the folder cannot be made.
        """
        try:
            (self.folder / _PARTS).mkdir(parents=True, exist_ok=True)
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
            yield
        finally:
            os.close(descriptor)

    def add(
        self, sources: Sequence[Source], source: SourceSettings, *, query: str | None, progress: Progress
    ) -> Added:
        """Add exports, all of them or, if anything goes wrong or the process is killed, none.

        Args:
            sources: files, folders, globs, or one database URL, as `read_orders` takes them.
            source: how they are written; later changes to it do not reach what was added.
            query: SQL that selects order lines from a database.
            progress: told of every table.

        Raises:
            ConfigError: sources and query do not fit together, or the store cannot be written.
            DataError: an export cannot be read, or not one of its lines; the store stays as it was.
        """
        before = self.manifest
        tables = open_orders(sources, source, query)
        new: list[Part] = []
        known, empty = [], []
        try:
            self._drop_leftovers(before)
            with progress.step("Add to the order store", total=len(tables)) as advance:
                for number, table in enumerate(tables):
                    lines, there = lines_of(table, 0, source), (*before.parts, *new)
                    if lines.is_empty():
                        empty.append(table.name)
                        continue
                    refuse_unreadable(lines, [table])
                    part = self._written(table, lines, there)
                    if part in there:
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

    def _written(self, table: Table, lines: pl.DataFrame, there: Sequence[Part]) -> Part:
        """The part of a table, on disk; the one that is there already if it holds the same lines."""
        unfinished = self.folder / _PARTS / f"{_UNFINISHED}.parquet"
        storable(lines).write_parquet(unfinished, compression="zstd", statistics=False)
        sha256 = digest(unfinished)
        same = next((part for part in there if part.sha256 == sha256), None)
        if same is not None:
            unfinished.unlink()
            return same
        file = f"{_PARTS}/{len(there) + 1:06}-{sha256[:8]}.parquet"
        _sync(unfinished)
        unfinished.rename(self.folder / file)
        _sync(self.folder / _PARTS)
        return Part(file, _free_name(table.name, there), len(lines), sha256, table.guessed_encoding)

    def _replace_manifest(self, manifest: StoreManifest) -> None:
        unfinished = self.folder / (MANIFEST + _UNFINISHED)
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        _sync(unfinished)
        unfinished.rename(self.folder / MANIFEST)
        _sync(self.folder)

    def _drop_leftovers(self, manifest: StoreManifest) -> None:
        """Remove what a killed addition has left: parts that no manifest names."""
        named = {self.folder / part.file for part in manifest.parts}
        for path in (self.folder / _PARTS).iterdir():
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
