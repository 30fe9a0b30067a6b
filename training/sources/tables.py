"""One file or query, opened but not yet read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from recommender.errors import DataError

Source = str | Path


def no_rows() -> pl.DataFrame:
    """Misshapen rows of a table that has none."""
    return pl.DataFrame(schema={"row": pl.UInt32, "values": pl.UInt32})


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the shop's own columns.

    Attributes:
        name: file or query, for messages and findings.
        frame: its columns, text or typed; can be collected again and again.
        misshapen: 1-based data rows that have more or fewer values than the header names, and how many.
        guessed_encoding: what it was taken for, where the file is not UTF-8 and nobody said what it is.
        stored: the columns are canonical already, as an order store keeps them (`stored.storable`).
    """

    name: str
    frame: pl.LazyFrame
    misshapen: pl.DataFrame = field(default_factory=no_rows)
    guessed_encoding: str | None = None
    stored: bool = False


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say which file it was that could not be read.

    Raises:
        DataError: the file is damaged, or holds what nothing can be made of.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).strip() or type(error).__name__
        raise DataError(f"{name} cannot be read: {said.splitlines()[0]}") from error
