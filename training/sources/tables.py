"""One file or query, opened but not yet read."""

from dataclasses import dataclass, field

import polars as pl


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "values": pl.UInt32})


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the shop's own columns.

    Attributes:
        name: file or query, for messages and findings.
        frame: its columns, text or typed; can be collected again and again.
        misshapen: 1-based data rows that have more or fewer values than the header names, and how many.
        guessed_encoding: what it was taken for, where the file is not UTF-8 and nobody said what it is.
    """

    name: str
    frame: pl.LazyFrame
    misshapen: pl.DataFrame = field(default_factory=_no_rows)
    guessed_encoding: str | None = None
