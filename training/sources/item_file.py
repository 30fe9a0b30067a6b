"""The shop's item file, opened and read as item rows."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from recommender.data.ids import whole_numbers
from recommender.data.item_rows import ItemRows, item_rows
from recommender.errors import ConfigError

from ..settings import Settings
from ..source_settings import SourceSettings
from .database import is_database, open_query
from .files import open_files
from .stored import is_store
from .tables import Source, Table, no_rows, reading


def open_items(items: Source | None, sources: Sequence[Source], source: SourceSettings) -> list[Table]:
    """The item file, the files of its folder, or the query for items; nothing where there is neither.

    Args:
        items: item file; goes before the query.
        sources: where orders come from; the query for items goes to the same database, for order stores to
            the one that the settings name for orders.
        source: how items are written.

    Raises:
        ConfigError: a query for items without a database.
        DataError: the file or the database cannot be read.
    """
    if items is not None:
        return [_loaded(table) for table in open_files([items], source)]
    if not source.items_query:
        return []
    asked = (source.orders if all(map(is_store, sources)) else sources)[:1]
    if not any(map(is_database, asked)):
        raise ConfigError("items_query needs a database URL as the source of orders")
    return [open_query(str(asked[0]), source.items_query, name="items query")]


def _loaded(table: Table) -> Table:
    with reading(table.name):
        return replace(table, frame=table.frame.collect().lazy())


def read_items(tables: Sequence[Table], lines: pl.DataFrame, settings: Settings) -> ItemRows | None:
    """What the item file says; None without one.

    Args:
        tables: as `open_items` gives them; rows are counted through all of them.
        lines: order lines, whose ids the item file's must match.
        settings: how items are written.

    Raises:
        DataError: the column of ids is missing, or columns cannot be read.
    """
    if not tables:
        return None
    names = [table.name for table in tables]
    where = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    with reading(where):
        frames = [table.frame.collect() for table in tables]
        return item_rows(
            pl.concat(frames, how="diagonal_relaxed"),
            settings.source.item_columns,
            settings.source.line_format,
            where=where,
            fold=settings.cleaning.fold_item_case,
            numbers=whole_numbers(lines, "item_id"),
            misshapen=_misshapen(tables, frames),
        )


def _misshapen(tables: Sequence[Table], frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Misshapen rows of all tables, counted through all of them."""
    wrong, before = [no_rows()], 0
    for table, frame in zip(tables, frames, strict=True):
        wrong.append(table.misshapen.with_columns((pl.col("row") + before).cast(pl.UInt32)))
        before += len(frame)
    return pl.concat(wrong)
