"""Tables of the shop, opened and read as canonical order lines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import polars as pl

from recommender.data.ids import alike_in_all_files
from recommender.data.order_lines import IDS, LINE_SCHEMA, TEXTS, LineFormat, order_lines
from recommender.data.timestamps import epoch_seconds
from recommender.errors import ConfigError, DataError

from ..progress import Progress
from ..source_settings import SourceSettings
from .database import is_database, open_query
from .files import open_files
from .preset_hint import preset_hint
from .stored import is_store, open_store, stored_lines
from .tables import Source, Table, reading


def open_orders(sources: Sequence[Source], source: SourceSettings, query: str | None) -> list[Table]:
    """The order stores, then the files, or the query, that hold order lines.

    Args:
        sources: order stores, files, folders, globs, or one database URL.
        source: how they are written; its query is for a database, and passed over for order stores.
        query: SQL that selects order lines; goes before that of the settings.

    Raises:
        ConfigError: sources and query do not fit together.
        DataError: a file or the database cannot be read.
    """
    if not sources:
        raise ConfigError("no orders named: give files, folders, globs or a database URL")
    if not all(map(is_store, sources)):
        query = query or source.query
    if not any(map(is_database, sources)):
        if query:
            raise ConfigError("a query needs a database URL, e.g. postgresql://user@host/shop")
        stored = [table for one in sources if is_store(one) for table in open_store(Path(one))]
        files = [one for one in sources if not is_store(one)]
        return stored + (open_files(files, source) if files else [])
    if len(sources) > 1:
        raise ConfigError("a database URL must be the only source")
    if not query:
        raise ConfigError("a database URL needs SQL that selects order lines: --query, or query in [source]")
    return [open_query(str(sources[0]), query, name="query")]


def read_lines(
    tables: Sequence[Table], source: SourceSettings, progress: Progress, until: int | None = None
) -> pl.DataFrame:
    """Canonical lines of all tables, in their order.

    Args:
        tables: the shop's tables of order lines.
        source: how they are written.
        progress: told of every table.
        until: seconds since 1970 UTC; lines of later orders are left out, and no later cancellation is known.

    Raises:
        DataError: a needed column is missing, not one line can be read, or none is of that time.
    """
    read = []
    with progress.step("Read orders", total=len(tables)) as advance:
        for file, table in enumerate(tables):
            read.append(_without_blank_texts(lines_of(table, file, source)))
            advance(file + 1)
        lines = alike_in_all_files(_one_after_another(read), IDS)
    refuse_unreadable(lines, tables)
    return lines if until is None else not_cancelled_yet(_known_at(lines, until), until)


def refuse_unreadable(lines: pl.DataFrame, tables: Sequence[Table]) -> None:
    """Refuse tables of which nothing can be used, for then the settings are wrong rather than the lines.

    Raises:
        DataError: there is no line, or none that can be read.
    """
    if not lines["unreadable"].is_null().any():
        raise DataError(_no_line(lines, tables))


def _one_after_another(read: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All lines, each column in one piece; taken out of `read`, so that only one is there twice at a time."""
    columns = {}
    for name in LINE_SCHEMA:
        parts = [lines.drop_in_place(name) for lines in read]
        said = [part for part in parts if part.dtype != pl.Null]
        columns[name] = (
            pl.concat(part.cast(said[0].dtype) for part in parts).rechunk() if said else pl.concat(parts)
        )
    return pl.DataFrame(columns)


def _without_blank_texts(lines: pl.DataFrame) -> pl.DataFrame:
    """The same lines; texts that none of them has take no memory."""
    blank = [name for name in (*TEXTS, "unreadable") if lines[name].null_count() == len(lines)]
    return lines.with_columns(pl.lit(None, pl.Null).alias(name) for name in blank)


def _known_at(lines: pl.DataFrame, until: int) -> pl.DataFrame:
    """The lines until a moment; those whose time cannot be read stay, to be reported."""
    known = lines.filter((pl.col("ordered_at") <= until).fill_null(True))
    if known["ordered_at"].null_count() == len(known):
        first = datetime.fromtimestamp(cast(int, lines["ordered_at"].min()), UTC)
        raise DataError(
            f"no order until then: the first one is of {first:%Y-%m-%d %H:%M:%S} UTC, choose a later --until"
        )
    return known


def not_cancelled_yet(lines: pl.DataFrame, until: int) -> pl.DataFrame:
    """The lines without cancellations after a moment; one of unreadable time is known from the start."""
    if lines.schema["cancelled_at"] == pl.Null:
        return lines
    said = lines["cancelled_at"].unique().drop_nulls()
    later = said.filter((epoch_seconds(said.cast(pl.String)) > until).fill_null(False))
    known = pl.when(~pl.col("cancelled_at").is_in(later.implode())).then("cancelled_at")
    return lines.with_columns(known.alias("cancelled_at"))


def _with_cancelled_in_utc(lines: pl.DataFrame, form: LineFormat) -> pl.DataFrame:
    """The same lines; moments of cancellation as ISO 8601 in UTC, so that the shop's format is done with.

    What cannot be read as a time stays as it is.
    """
    said = lines["cancelled_at"].unique().drop_nulls().cast(pl.String)
    moments = _moments(said, form)
    read = moments.is_not_null()
    if not read.any():
        return lines
    in_utc = pl.from_epoch(moments.filter(read)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = pl.col("cancelled_at").cast(pl.String).replace(said.filter(read), in_utc)
    return lines.with_columns(text.cast(LINE_SCHEMA["cancelled_at"]))


def _moments(text: pl.Series, form: LineFormat) -> pl.Series:
    """Times by the shop's format; typed columns have become ISO 8601, whatever that format is."""
    by_format = epoch_seconds(text, zone=form.zone, timestamp_format=form.timestamp_format)
    return by_format.zip_with(by_format.is_not_null(), epoch_seconds(text, zone=form.zone))


def lines_of(table: Table, file: int, source: SourceSettings) -> pl.DataFrame:
    """Canonical lines of one table, schema `LINE_SCHEMA`, in its order.

    Args:
        table: of order lines.
        file: position of the table.
        source: how it is written.

    Raises:
        DataError: a needed column is missing, or the file cannot be read.
    """
    with reading(table.name):
        if table.stored:
            return stored_lines(table.frame, file).collect(engine="streaming")
        try:
            canonical = order_lines(table.frame, file, source.line_format, where=table.name)
        except DataError as error:
            raise DataError(f"{error}{preset_hint(table.frame.collect_schema().names())}") from error
        lines = _with_cancelled_in_utc(canonical.collect(engine="streaming"), source.line_format)
    if table.misshapen.is_empty():
        return lines
    said = (
        pl.format("{} values, not as many as the header", "values").cast(pl.Categorical()).alias("misshapen")
    )
    marked = lines.join(table.misshapen.select("row", said), on="row", how="left", maintain_order="left")
    return marked.with_columns(pl.coalesce("misshapen", "unreadable").alias("unreadable")).drop("misshapen")


def _no_line(lines: pl.DataFrame, tables: Sequence[Table]) -> str:
    names = ", ".join(table.name for table in tables[:3]) + (", …" if len(tables) > 3 else "")
    if lines.is_empty():
        return f"{names}: no order lines there"
    said = lines["unreadable"].cast(pl.String)[0]
    return (
        f"{names}: not one of {len(lines):,} lines can be read; the first says {said!r}. "
        "Look at timestamp_format, decimal and delimiter in [source]"
    )
