"""Lists of a snapshot as a table that other programs read."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from recommender.errors import ConfigError
from recommender.ranking.build import Mode, of_mode
from recommender.ranking.lists import ListTable
from recommender.snapshot.directory import Snapshot

ListName = Literal["recommended", "similar", "bought-together", "best-sellers"]

_WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    ".parquet": lambda frame, to: frame.write_parquet(to),
    ".csv": lambda frame, to: frame.write_csv(to),
    ".ndjson": lambda frame, to: frame.write_ndjson(to),
}


def list_frame(snapshot: Snapshot, name: ListName, *, mode: Mode = "mixed", n: int = 10) -> pl.DataFrame:
    """One kind of list, a line a place.

    Args:
        snapshot: where the lists stand.
        name: which of them.
        mode: of `recommended` lists.
        n: places of every list.

    Returns:
        Columns `customer_id` (recommended), `anchor_id` (similar, bought-together) or `category`
        (best-sellers, null for the whole shop), then `rank` from 1, `item_id`, `score`, `source`.
    """
    lists = snapshot.lists
    items = snapshot.catalog.items.ids
    match name:
        case "recommended":
            return _frame(
                of_mode(lists.recommended, mode, n), "customer_id", snapshot.customers.ids, snapshot
            )
        case "similar":
            return _frame(lists.similar.first(n), "anchor_id", items, snapshot)
        case "bought-together":
            return _frame(lists.bought_together.first(n), "anchor_id", items, snapshot)
        case "best-sellers":
            groups = tuple(group or None for group in lists.groups)
            return _frame(lists.best_sellers.first(n), "category", groups, snapshot)


def write_table(frame: pl.DataFrame, to: Path) -> None:
    """Write a table in the format of the file's ending; the file appears whole or not at all.

    Raises:
        ConfigError: see `check_writable`; or the disk is full.
    """
    check_writable(to)
    unfinished = to.with_name(f".{to.name}.unfinished")
    try:
        _WRITERS[to.suffix.lower()](frame, unfinished)
        os.replace(unfinished, to)
    except (OSError, pl.exceptions.PolarsError) as error:
        unfinished.unlink(missing_ok=True)
        raise ConfigError(f"cannot write {to} ({error}): make room, or name another file") from error


def check_writable(to: Path) -> None:
    """Refuse a file that `write_table` could not write, before any work is done.

    Raises:
        ConfigError: an ending other than .parquet, .csv or .ndjson, a folder that is not there, or a
            folder of that very name.
    """
    if to.suffix.lower() not in _WRITERS:
        raise ConfigError(f"cannot tell the format of {to}: name a file that ends in {', '.join(_WRITERS)}")
    if not to.parent.is_dir():
        raise ConfigError(f"cannot write {to}: the folder {to.parent} does not exist")
    if to.is_dir():
        raise ConfigError(f"cannot write {to}: it is a folder")


def _frame(
    table: ListTable, row_name: str, row_ids: Sequence[str | None], snapshot: Snapshot
) -> pl.DataFrame:
    row = table.row_of_place()
    names = pl.Series(values=list(snapshot.manifest.sources), dtype=pl.String)
    return pl.DataFrame(
        {
            row_name: pl.Series(values=row_ids, dtype=pl.String).gather(row),
            "rank": (np.arange(len(table.items)) - table.starts[row] + 1).astype(np.int32),
            "item_id": pl.Series(values=snapshot.catalog.items.ids, dtype=pl.String).gather(table.items),
            "score": table.scores,
            "source": names.gather(table.sources),
        }
    )
