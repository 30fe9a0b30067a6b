"""Orders and items from wherever the shop keeps them, cleaned, as values of the core."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import time

import numpy as np
import polars as pl

from recommender.data.catalog import Catalog
from recommender.data.cleaning import Cleaned, clean
from recommender.data.findings import Example, Finding, Findings
from recommender.data.history_findings import findings_as_read, findings_of_history, findings_of_item_file
from recommender.data.item_rows import ItemRows
from recommender.data.newcomers import NewItems
from recommender.data.order_history import by_position, catalog, order_log
from recommender.data.orders import OrderLog
from recommender.data.places import Places
from recommender.data.returns import units_left
from recommender.data.shop_findings import findings_of_shop
from recommender.data.vocabulary import Vocabulary
from recommender.errors import DataError
from recommender.events.private_customers import NOTHING_ASKED, Standings

from ..progress import Progress, Silent
from ..settings import Settings
from .canonical import open_orders, read_lines
from .item_file import open_items, read_items
from .private_lines import without_private
from .quarantine import prepare_quarantine, write_quarantine
from .tables import Source, Table

SILENT = Silent()


@dataclass(frozen=True, slots=True)
class ReadOrders:
    """A shop's history, ready to learn from.

    Attributes:
        orders: the clean lines.
        catalog: what the shop says about `orders.items`, and about items that may be new without a sale.
        places: where each order went.
        findings: what was odd, and what was done about it.
        lines: order lines read, the odd ones among them.
        quarantined: order lines put aside.
    """

    orders: OrderLog
    catalog: Catalog
    places: Places
    findings: Findings
    lines: int
    quarantined: int


def read_orders(
    sources: Sequence[Source],
    settings: Settings,
    *,
    items: Source | None = None,
    query: str | None = None,
    quarantine: Path | None = None,
    until: int | None = None,
    now: int | None = None,
    private: Standings = NOTHING_ASKED,
    progress: Progress = SILENT,
) -> ReadOrders:
    """Read, clean and report on a shop's orders.

    Args:
        sources: files, folders, globs, or one database URL; without any, those of the settings.
        settings: how they are written and what counts as a purchase.
        items: item file; without it, that of the settings, if any.
        query: SQL that selects order lines from a database.
        quarantine: file to write the lines put aside to, `.parquet` or `.csv`; its folder is made.
        until: seconds since 1970 UTC; lines of later orders are passed over, as if the shop had not written
            them yet: neither prices, titles nor findings know of them. So are cancellations after it.
        private: customers who opted out or were erased; their lines are left out before anything is learned
            or written, and only their number is reported.
        now: seconds since 1970 UTC, orders after which cannot be right; the clock's time without it.
        progress: told of every step.

    Raises:
        ConfigError: the sources do not fit together, a database driver is missing, or the quarantine cannot
            be written.
        DataError: nothing can be read, a needed column is missing, or no line is left.
    """
    sources = sources or settings.source.orders
    if quarantine:
        prepare_quarantine(quarantine, [*sources, *([items] if items else [])])
    with progress.step("Open orders"):
        tables = open_orders(sources, settings.source, query)
        item_tables = open_items(items or settings.source.items, sources, settings.source)
    lines = read_lines(tables, settings.source, progress, until)
    all_lines = len(lines)
    lines = without_private(lines, private, fold=settings.cleaning.fold_customer_case)
    left_out = Findings.collect([Finding.of("private_customer", all_lines - len(lines), all_lines)])
    item_file = read_items(item_tables, lines, settings)
    with progress.step("Clean orders"):
        names = [table.name for table in tables]
        cleaned = clean(lines, names, settings.cleaning, item_file, now=int(time()) if now is None else now)
        as_read = _as_read(cleaned, [*tables, *item_tables], settings)
        # Millions of lines: one copy of them is enough.
        del lines
    # Before anything can be refused: these lines are what explains a refusal.
    if quarantine:
        with progress.step("Write lines put aside"):
            write_quarantine(quarantine, cleaned.aside, tables)
    with progress.step("Sort orders"):
        kept = cleaned.kept
        del cleaned
        found = _history(kept, as_read, item_file, settings)
    return replace(found, findings=found.findings + left_out)


@dataclass(frozen=True, slots=True)
class _AsRead:
    """What stays of all lines once only those that count are left."""

    findings: Findings
    files: tuple[str, ...]
    lines: int
    reasons: str


def _as_read(cleaned: Cleaned, tables: Sequence[Table], settings: Settings) -> _AsRead:
    findings = (
        cleaned.findings
        + _guessed_encodings(tables)
        + findings_as_read(cleaned.lines, cleaned.files, settings.cleaning)
    )
    return _AsRead(findings, cleaned.files, len(cleaned.lines), _reasons(cleaned))


def _history(
    kept: pl.DataFrame, as_read: _AsRead, item_file: ItemRows | None, settings: Settings
) -> ReadOrders:
    if not (kept["quantity"] > 0).any():
        raise DataError(f"no purchase is left of {as_read.lines:,} lines: {as_read.reasons}")
    lines, vocabularies = by_position(kept)
    orders = order_log(lines, vocabularies)
    left = units_left(orders)
    if not (left > 0).any():
        raise DataError(f"no purchase is left of {as_read.lines:,} lines: all was sent back")
    days = settings.lists.retired_after_days
    findings = (
        as_read.findings
        + findings_of_history(lines, orders, left, as_read.files, retired_after_days=days)
        + findings_of_shop(lines, orders, as_read.files, days=settings.evaluation.days)
    )
    said = catalog(lines, orders.items, listed(orders.items, item_file, settings.new_items), item_file)
    if item_file is not None:
        is_new = settings.new_items.among(said, orders, orders.last_time)
        unsold = orders.items.positions(said.items.ids) < 0
        new = int(np.count_nonzero(is_new & unsold))
        findings += findings_of_item_file(orders, lines, item_file, as_read.files, newcomers=new)
    places = Places.of_lines(lines, len(orders.orders))
    return ReadOrders(orders, said, places, findings, as_read.lines, as_read.lines - len(lines))


def listed(sold: Vocabulary, item_file: ItemRows | None, new_items: NewItems) -> Vocabulary:
    """Items sold, and those of the item file that may be, or may once have been, new without a sale."""
    if item_file is None or not new_items.within_days:
        return sold
    may_be_new = pl.lit(new_items.undated) | pl.col("released_at").is_not_null()
    unsold = item_file.never_sold(sold).filter(may_be_new)
    return Vocabulary(tuple(sorted({*sold.ids, *unsold["item_id"]})))


def _guessed_encodings(tables: Sequence[Table]) -> Findings:
    guessed = [Example(table.name, 1, table.guessed_encoding) for table in tables if table.guessed_encoding]
    return Findings.collect([Finding.of("guessed_encoding", len(guessed), len(tables), guessed)])


def _reasons(cleaned: Cleaned) -> str:
    counted = cleaned.aside["reason"].value_counts(sort=True)
    return ", ".join(f"{reason} {count:,}" for reason, count in counted.iter_rows()) or "all are returns"
