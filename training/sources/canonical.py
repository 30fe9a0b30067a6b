"""Tables of the shop, opened and read as canonical lines and item rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import polars as pl

from recommender.data.item_rows import ItemRows, item_rows
from recommender.data.order_lines import order_lines
from recommender.errors import ConfigError, DataError

from ..progress import Progress
from ..settings import Settings
from ..source_settings import SourceSettings
from .database import is_database, open_query
from .files import open_files
from .preset_hint import preset_hint
from .tables import Table

Source = str | Path


def open_orders(sources: Sequence[Source], source: SourceSettings, query: str | None) -> list[Table]:
    """The files, or the query, that hold order lines.

    Raises:
        ConfigError: sources and query do not fit together.
        DataError: a file or the database cannot be read.
    """
    if not sources:
        raise ConfigError("no orders named: give files, folders, globs or a database URL")
    if not any(map(is_database, sources)):
        if query:
            raise ConfigError("a query needs a database URL, e.g. postgresql://user@host/shop")
        return open_files(sources, source)
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
        until: seconds since 1970 UTC; lines of later orders are left out.

    Raises:
        DataError: a needed column is missing, not one line can be read, or none is of that time.
    """
    read = []
    with progress.step("Read orders", total=len(tables)) as advance:
        for file, table in enumerate(tables):
            read.append(_lines_of(table, file, source))
            advance(file + 1)
        lines = pl.concat(read)
    if not lines["unreadable"].is_null().any():
        raise DataError(_no_line(lines, tables))
    return lines if until is None else _known_at(lines, until)


def _known_at(lines: pl.DataFrame, until: int) -> pl.DataFrame:
    """The lines until a moment; those whose time cannot be read stay, to be reported."""
    known = lines.filter((pl.col("ordered_at") <= until).fill_null(True))
    if known["ordered_at"].null_count() == len(known):
        first = datetime.fromtimestamp(cast(int, lines["ordered_at"].min()), UTC)
        raise DataError(
            f"no order until then: the first one is of {first:%Y-%m-%d %H:%M:%S} UTC, choose a later --until"
        )
    return known


def _lines_of(table: Table, file: int, source: SourceSettings) -> pl.DataFrame:
    try:
        lines = order_lines(table.frame, file, source.line_format, where=table.name).collect(
            engine="streaming"
        )
    except DataError as error:
        raise DataError(f"{error}{preset_hint(table.frame.collect_schema().names())}") from error
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{table.name} cannot be read: {str(error).splitlines()[0]}") from error
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


def read_items(items: Source | None, sources: Sequence[Source], settings: Settings) -> ItemRows | None:
    """What the item file says, or the query for items; None where there is neither.

    Args:
        items: item file; goes before the query.
        sources: where orders come from; the query for items goes to the same database.
        settings: how items are written.

    Raises:
        ConfigError: a query for items without a database.
        DataError: the file or the database cannot be read, or its column of ids is missing.
    """
    source = settings.source
    if items is not None:
        tables = open_files([items], source)
    elif source.items_query:
        if not is_database(sources[0]):
            raise ConfigError("items_query needs a database URL as the source of orders")
        tables = [open_query(str(sources[0]), source.items_query, name="items query")]
    else:
        return None
    raw = pl.concat([table.frame for table in tables], how="diagonal_relaxed").collect()
    name = tables[0].name if len(tables) == 1 else str(items)
    return item_rows(
        raw, source.item_columns, source.line_format, where=name, fold=settings.cleaning.fold_item_case
    )
