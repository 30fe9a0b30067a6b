"""Parts of an order store: order lines read before, kept as canonical columns in Parquet."""

import hashlib
from pathlib import Path

import msgspec
import polars as pl

from recommender.data.order_lines import LINE_SCHEMA, ROW, numbered
from recommender.errors import DataError

from .tables import Source, Table

MANIFEST = "orders.json"
STORE_FORMAT = 1

_STORED = {name: dtype for name, dtype in LINE_SCHEMA.items() if name not in ("file", "row")}
"""The columns of a part. Its rows are those of the file that it was read from, blank ones included."""


class Part(msgspec.Struct, frozen=True):
    """One table of order lines that was added.

    Attributes:
        file: where it lies, relative to the store.
        name: what the table is called in messages and findings: the file it was read from.
        lines: order lines.
        sha256: digest of the part's file; tables of equal lines have equal digests.
        guessed_encoding: see `Table`.
    """

    file: str
    name: str
    lines: int
    sha256: str
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
    """Whether a source is the folder of an order store."""
    return (Path(source) / MANIFEST).is_file()


def read_store_manifest(folder: Path) -> StoreManifest:
    """What a store says that it holds.

    Raises:
        DataError: it cannot be read, or another version wrote it.
    """
    path = folder / MANIFEST
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
        DataError: the store cannot be read, or a part was changed or lost.
    """
    return [_opened(folder, part) for part in read_store_manifest(folder).parts]


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
