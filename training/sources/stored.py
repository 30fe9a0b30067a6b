"""Parts of an order store: order lines read before, kept as canonical columns in Parquet."""

import hashlib
import re
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from recommender.data.order_lines import LINE_SCHEMA, ROW, numbered
from recommender.errors import DataError

from .database import is_database
from .tables import Source, Table

MANIFEST = "orders.json"
PARTS = "parts"
STORE_FORMAT = 1

_PART_NAME = re.compile(r"\d{6}-[0-9a-f]{8}\.parquet")
_ROWS_AT_ONCE = 100_000

_STORED = {name: dtype for name, dtype in LINE_SCHEMA.items() if name not in ("file", "row")}
"""The columns of a part. Its rows are those of the file that it was read from, blank ones included."""


class Part(msgspec.Struct, frozen=True):
    """One table of order lines that was added.

    Attributes:
        file: where it lies, relative to the store.
        name: what the table is called in messages and findings: the file it was read from.
        lines: order lines.
        sha256: digest of the part's file.
        values: digest of its lines, whatever program wrote them; equal lines have equal digests.
        guessed_encoding: see `Table`.
    """

    file: str
    name: str
    lines: int
    sha256: str
    values: str
    guessed_encoding: str | None = None


class StoreManifest(msgspec.Struct, frozen=True):
    """What an order store holds, in the order in which it was added.

    Attributes:
        parts: the tables.
        format: version of the layout.
    """

    parts: tuple[Part, ...] = ()
    format: int = STORE_FORMAT


def is_store(source: Source) -> bool:
    """Whether a source is the folder of an order store, even of one whose manifest is lost."""
    if is_database(source):
        return False
    return (Path(source) / MANIFEST).is_file() or bool(parts_in(Path(source)))


def parts_in(folder: Path) -> list[Path]:
    """Every file in a folder that is called as the parts of an order store are."""
    return [path for path in (folder / PARTS).glob("*.parquet") if _PART_NAME.fullmatch(path.name)]


def read_store_manifest(folder: Path) -> StoreManifest:
    """What a store says that it holds.

    Raises:
        DataError: it is lost or cannot be read, or another version wrote it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder} holds parts of an order store, but no {MANIFEST} that says what they are: restore it "
            "from a backup, or name an empty folder and add the exports again"
        )
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=StoreManifest)
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{path} cannot be read ({error}): make the order store again from the exports"
        ) from error
    if manifest.format != STORE_FORMAT:
        raise DataError(
            f"{folder} is an order store of format {manifest.format}, this version reads {STORE_FORMAT}: "
            "make it again from the exports"
        )
    return manifest


def open_store(folder: Path) -> list[Table]:
    """Every table that was added to a store, in that order, after checking each against its digest.

    Raises:
        DataError: the store cannot be read, holds nothing yet, or a part was changed or lost.
    """
    parts = read_store_manifest(folder).parts
    if not parts:
        raise DataError(f"order store {folder} holds no order lines yet")
    return [_opened(folder, part) for part in parts]


def _opened(folder: Path, part: Part) -> Table:
    path = folder / part.file
    if not path.is_file() or digest(path) != part.sha256:
        raise DataError(
            f"{path} ({part.name}) is not what was added to the order store: copy it back from a backup, or "
            "make the store again from the exports"
        )
    frame = pl.scan_parquet(path, glob=False)
    return Table(part.name, frame, guessed_encoding=part.guessed_encoding, stored=True)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_values(lines: pl.DataFrame) -> str:
    """SHA-256 of numbers and texts, so that another version of what writes Parquet changes nothing.

    Args:
        lines: as `storable` gives them.
    """
    found = hashlib.sha256()
    for column in lines:
        found.update(f"{column.name} {column.dtype} {len(column)};".encode())
        # In pieces: one text of a whole column may be longer than a text can be.
        for first in range(0, len(column), _ROWS_AT_ONCE):
            piece = column.slice(first, _ROWS_AT_ONCE)
            found.update(np.packbits(piece.is_null().to_numpy()).tobytes())
            if column.dtype == pl.String:
                found.update(piece.str.len_bytes().fill_null(0).to_numpy().tobytes())
                found.update("".join(piece.drop_nulls()).encode())
            else:
                found.update(piece.fill_null(0).to_numpy().tobytes())
    return found.hexdigest()


def storable(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of one table as a part keeps them; every row at its place, so that findings can name it.

    Args:
        lines: schema `LINE_SCHEMA`, rows rising.
    """
    texts = {name: pl.String() for name, dtype in _STORED.items() if dtype == pl.Categorical}
    rows = pl.DataFrame({"row": pl.int_range(1, _last_row(lines) + 1, dtype=pl.UInt32, eager=True)})
    whole = rows.join(lines, on="row", how="left", maintain_order="left")
    return whole.select(pl.col(name).cast(texts.get(name, dtype)) for name, dtype in _STORED.items())


def _last_row(lines: pl.DataFrame) -> int:
    return int(lines["row"][-1]) if len(lines) else 0


def stored_lines(part: pl.LazyFrame, file: int) -> pl.LazyFrame:
    """Canonical lines of a part, schema `LINE_SCHEMA`, as `order_lines` gave them when it was added.

    Args:
        part: what `storable` made.
        file: position of the table.
    """
    return numbered(part).select(
        pl.lit(file, pl.UInt32).alias("file"),
        pl.col(ROW).cast(pl.UInt32).alias("row"),
        *(pl.col(name).cast(dtype) for name, dtype in _STORED.items()),
    )
