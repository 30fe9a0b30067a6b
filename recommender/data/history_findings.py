"""What is odd about orders, customers and items as a whole, beyond single lines."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.findings import MOST_EXAMPLES, Example, Finding, Findings
from recommender.data.groups import run_starts
from recommender.data.item_rows import ItemRows
from recommender.data.judged_lines import WHOLE_LINE
from recommender.data.lookups import among, distinct, first_lines, with_several
from recommender.data.order_history import with_ids
from recommender.data.orders import GUEST, OrderLog

BULK_FEWEST_ORDERS = 100
BULK_TIMES_MEDIAN = 25
"""A bulk buyer has at least this many orders, and at least this many times as many as the median customer."""

_DAY = 86_400


def findings_as_read(lines: pl.DataFrame, files: Sequence[str], rules: CleaningRules) -> Findings:
    """Oddities of ids, titles and orders on all lines as read.

    Args:
        lines: as `cleaning.Cleaned.lines` gives them, in the order of files and rows.
        files: names of the files that the lines' `file` counts.
        rules: say which ids are taken as one.
    """
    n_orders, n_items = lines["order_id"].n_unique(), len(distinct(lines["item_id"]))
    return Findings.collect([
        *_spellings(lines, "item", files, fold=rules.fold_item_case),
        *_spellings(lines, "customer", files, fold=rules.fold_customer_case),
        _finding("several_titles", _several(lines, "item_id", "title"), n_items, files),
        _finding("several_customers", _several(lines, "order_id", "customer"), n_orders, files),
    ])  # fmt: skip


def _spellings(lines: pl.DataFrame, kind: str, files: Sequence[str], *, fold: bool) -> list[Finding]:
    """Ids of items or customers that differ only in case, and those with blanks around them."""
    name = f"{kind}_id"
    # Guests are known by an id, too, but are no customer: `kind` is null.
    given = distinct(lines[name].filter(lines[kind].is_not_null()))
    total, odd = len(given), given.filter(_is_spelled_oddly(given.cast(pl.String)))
    text = pl.col(name).cast(pl.String)
    ids = _first_seen(_lines_of(lines, name, odd), name).with_columns(text.alias("text"))
    cased = ids.group_by(pl.col("text").str.to_uppercase().alias("key"), maintain_order=True).agg(
        pl.col("file", "row").first(), pl.col("text").str.join(" / ").alias("value"), pl.len().alias("n")
    )
    blanks = ids.filter(pl.col("text") != pl.col("text").str.strip_chars())
    blanks = blanks.with_columns(pl.format("'{}'", "text").alias("value"))
    one, bare = (f"taken as one {kind}", "blanks taken off") if fold else (None, None)
    return [
        _finding(f"{kind}_id_case", cased.filter(pl.col("n") > 1), total, files, action=one),
        _finding(f"{kind}_id_blanks", blanks, total, files, action=bare),
    ]


def _is_spelled_oddly(ids: pl.Series) -> pl.Series:
    """Whether an id has blanks around it, or another one differs from it only in letter case."""
    return (ids != ids.str.strip_chars()) | ids.str.to_uppercase().is_duplicated()


def _lines_of(lines: pl.DataFrame, name: str, ids: pl.Series) -> pl.DataFrame:
    """File, row and id of the lines of these ids."""
    if ids.is_empty():
        return lines.select(name, "file", "row").clear()
    return lines.select(name, "file", "row").filter(among(lines[name], ids))


def _first_seen(lines: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Each combination once, with file and row of its first line."""
    there = lines.drop_nulls(names).select(*names, "file", "row")
    return there.unique(names, keep="first", maintain_order=True)


def _several(lines: pl.DataFrame, of: str, what: str) -> pl.DataFrame:
    """Each `of` that has several different `what`: where it is first seen, and which they are."""
    if lines.schema[what] == pl.Null:
        return lines.select("file", "row").clear().with_columns(pl.lit("").alias("value"))
    pairs = _first_seen(
        lines.select(of, what, "file", "row").filter(with_several(lines[of], lines[what])), of, what
    )
    grouped = pairs.group_by(of, maintain_order=True).agg(
        pl.col("file", "row").first(), pl.col(what).cast(pl.String).head(3), pl.len().alias("n")
    )
    several = grouped.filter(pl.col("n") > 1)
    return several.with_columns(
        pl.format("{}: {}", pl.col(of).cast(pl.String), pl.col(what).list.join(" / ")).alias("value")
    )


def findings_of_history(
    lines: pl.DataFrame,
    orders: OrderLog,
    left: NDArray[np.float64],
    files: Sequence[str],
    *,
    retired_after_days: float,
) -> Findings:
    """Oddities of the clean history.

    Args:
        lines: lines in the order of `orders`, as `order_history.by_position` gives them.
        orders: the log made from them.
        left: shape (n_lines,), what `returns.units_left` gives for it.
        files: names of the files that the lines' `file` counts.
        retired_after_days: items not sold for longer are not recommended.
    """
    return Findings.collect([
        _unmatched_returns(lines, orders, left, files),
        _bulk_buyers(lines, orders, files),
        _not_sold_lately(lines, orders, left, files, retired_after_days),
    ])  # fmt: skip


def _unmatched_returns(
    lines: pl.DataFrame, orders: OrderLog, left: NDArray[np.float64], files: Sequence[str]
) -> Finding:
    returns = orders.quantity < 0
    unmatched = np.flatnonzero(returns & (left <= orders.quantity))
    shown = with_ids(lines[unmatched[:MOST_EXAMPLES]], orders).with_columns(WHOLE_LINE.alias("value"))
    matched = int(returns.sum()) - len(unmatched)
    action = f"kept, undoes nothing; {matched:,} other returns undo a purchase"
    return Finding.of("unmatched_return", len(unmatched), len(lines), _examples(shown, files), action=action)


def _bulk_buyers(lines: pl.DataFrame, orders: OrderLog, files: Sequence[str]) -> Finding:
    n = _orders_each(orders)
    buyers = n[n > 0]
    median = float(np.median(buyers)) if len(buyers) else 0.0
    # The last place is that of guests, at -1.
    many = np.append(n >= max(BULK_FEWEST_ORDERS, BULK_TIMES_MEDIAN * median), False)
    theirs = lines.select("customer", "file", "row").filter(
        pl.Series(many[orders.customer] & (orders.quantity > 0))
    )
    shown = with_ids(theirs.unique("customer", keep="first", maintain_order=True), orders)
    shown = shown.with_columns(pl.Series("n", n[shown["customer"].to_numpy()]))
    counted = shown.with_columns(pl.format("{}: {} orders", "customer_id", "n").alias("value"))
    return _finding("bulk_buyer", counted.sort("n", descending=True, maintain_order=True), len(buyers), files)


def _orders_each(orders: OrderLog) -> NDArray[np.intp]:
    """In how many orders each customer bought, shape (n_customers,)."""
    bought = orders.purchases()
    at, order = bought.customer, bought.order
    # Lines of one order mostly follow each other: one of them is enough.
    follows = np.append(False, (at[1:] == at[:-1]) & (order[1:] == order[:-1]))[: len(at)]
    fresh = ~follows & (at != GUEST)
    pairs = np.sort(at[fresh].astype(np.int64) << 32 | order[fresh])
    return np.bincount(pairs[run_starts(pairs)] >> 32, minlength=len(orders.customers))


def _not_sold_lately(
    lines: pl.DataFrame, orders: OrderLog, left: NDArray[np.float64], files: Sequence[str], days: float
) -> Finding:
    """Items whose last purchase that was not returned is too long before the newest line."""
    sold = lines.select("item", "file", "row", "ordered_at").filter(pl.Series(left > 0))
    last = sold.group_by("item", maintain_order=True).agg(pl.col("file", "row", "ordered_at").last())
    long_ago = with_ids(last.filter(pl.col("ordered_at") < orders.last_time - days * _DAY), orders)
    day = pl.from_epoch("ordered_at").dt.strftime("%Y-%m-%d")
    value = pl.format("{}: last sold {}", "item_id", day).alias("value")
    action = f"kept in the history, not recommended: not sold for more than {days:g} days"
    return _finding("not_sold_lately", long_ago.with_columns(value), len(last), files, action=action)


def findings_of_item_file(
    orders: OrderLog, lines: pl.DataFrame, items: ItemRows, files: Sequence[str], *, newcomers: int
) -> Findings:
    """How the item file and the orders differ in what there is.

    Args:
        orders: the log of `lines`.
        lines: lines that `by_position` has sorted.
        items: the item file.
        files: names of the files of orders.
        newcomers: how many of the items that were never sold are recommended all the same.
    """
    first_sold = with_ids(lines.select("item", "file", "row")[first_lines(orders.item)], orders)
    listed = items.group(pl.col("item_id")).is_in(items.frame["group"].implode())
    unknown = first_sold.filter(~listed).with_columns(pl.col("item_id").alias("value"))
    never_sold = items.never_sold(orders.items)
    kept = f"{newcomers:,} new ones can be recommended, the others are left out" if newcomers else None
    in_file = never_sold.select(pl.lit(0).alias("file"), "row", pl.col("item_id").alias("value"))
    untitled = items.frame.filter(pl.col("title").is_null())
    untitled = untitled.select(pl.lit(0).alias("file"), "row", pl.col("item_id").alias("value"))
    return items.findings + Findings.collect([
        _finding("unknown_item", unknown, len(orders.items), files),
        _finding("never_sold", in_file, len(items.frame), [items.file], action=kept),
        _finding("untitled_item", untitled, len(items.frame), [items.file]),
    ])  # fmt: skip


def _finding(
    code: str, shown: pl.DataFrame, total: int, files: Sequence[str], *, action: str | None = None
) -> Finding:
    """A finding on rows that have `file`, `row` and `value`."""
    return Finding.of(code, len(shown), total, _examples(shown, files), action=action)


def _examples(shown: pl.DataFrame, files: Sequence[str]) -> list[Example]:
    first = shown.head(MOST_EXAMPLES).select("file", "row", "value")
    return [Example(files[file], row, value) for file, row, value in first.iter_rows()]
