"""Order lines with what it takes to judge each: its item, customer and order, and its doubles."""

from collections.abc import Sequence

import polars as pl

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.ids import folded
from recommender.data.item_rows import ItemRows
from recommender.data.order_lines import IDS, TEXTS

FEWEST_FOR_A_MEDIAN = 5

_BOUGHT = (*IDS, "quantity", "unit_price", "ordered_at")
"""What makes a line the same in two exports: titles and the order's state change from one to the next."""

_SAID = tuple(text for text in TEXTS if text not in ("status", "cancelled_at"))
"""What must be the same too for two lines of one file to be doubles."""

WHOLE_LINE = pl.concat_str(
    pl.lit("order "), pl.col("order_id").cast(pl.String).fill_null("?"),
    pl.lit(": "), pl.col("quantity").round(3).cast(pl.String).str.strip_suffix(".0").fill_null("?"),
    pl.lit(" × "), pl.col("item_id").cast(pl.String).fill_null("?"),
)  # fmt: skip
"""A line in a few words, for examples: 'order 1: 2 × tea'."""


def judged_lines(lines: pl.DataFrame, rules: CleaningRules, items: ItemRows | None) -> pl.DataFrame:
    """Order lines as read, with these columns added.

    - `item`, `customer`: what the rules group ids by, see `ids.folded`; customer null for guests
    - `non_product`, `dropped_category`, `cancelled`, `not_completed`: what the rules say
    - `duplicate`: an equal line stands before it in its file
    - `repeated`: an equal line stands in an earlier file. The n-th of equal lines answers to the n-th there:
      three copies beside two are one line more
    - `usual_quantity`: median of the item's purchases; of the shop's for items with fewer than five

    Args:
        lines: schema `order_lines.LINE_SCHEMA`, in the order of files and rows.
        rules: what counts as a purchase.
        items: what the item file says, None without one.
    """
    judged = _with_items(lines, rules)
    judged = _with_category(judged, rules, items)
    judged = _with_customers(judged, rules)
    judged = _with_orders(judged, rules)
    judged = _with_doubles(judged)
    return _with_usual_quantity(judged)


def _with_items(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    # Patterns are searched once an id, not once a line.
    ids = lines.select("item_id").unique().drop_nulls()
    ids = ids.with_columns(folded(pl.col("item_id").cast(pl.String), fold=rules.fold_item_case).alias("item"))
    judged = ids.with_columns(_non_product(rules).alias("non_product"), pl.col("item").cast(pl.Categorical()))
    return lines.join(judged, on="item_id", how="left", maintain_order="left")


def _non_product(rules: CleaningRules) -> pl.Expr:
    # Where case does not tell items apart, it does not tell products from postage either.
    item, case = pl.col("item"), "(?i)" if rules.fold_item_case else ""
    is_product = item.str.contains(case + rules.product_pattern) if rules.product_pattern else pl.lit(True)
    return ~is_product | _any_match(item, [case + pattern for pattern in rules.non_product])


def _any_match(ids: pl.Expr, patterns: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.lit(False), *(ids.str.contains(pattern) for pattern in patterns))


def _with_category(lines: pl.DataFrame, rules: CleaningRules, items: ItemRows | None) -> pl.DataFrame:
    dropped = pl.Series(rules.drop_categories, dtype=pl.String).cast(pl.Categorical())
    lines = lines.with_columns(pl.col("category").is_in(dropped.implode()).alias("dropped_category"))
    if items is None or not rules.drop_categories:
        return lines
    # The item file's word on a category goes before what stands on the line.
    known = items.frame.filter(pl.col("category").is_not_null()).select(
        pl.col("group").cast(pl.Categorical()).alias("item"),
        pl.col("category").is_in(rules.drop_categories).alias("dropped_by_item"),
        pl.col("category").cast(pl.Categorical()).alias("item_category"),
    )
    joined = lines.join(known, on="item", how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce("dropped_by_item", "dropped_category").alias("dropped_category"),
        pl.coalesce("item_category", "category").alias("category"),
    ).drop("dropped_by_item", "item_category")


def _with_customers(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    ids = lines.select("customer_id").unique().drop_nulls()
    text = pl.col("customer_id").cast(pl.String)
    known = ids.filter(~text.is_in(rules.guest_customers)).with_columns(
        folded(text, fold=rules.fold_customer_case).cast(pl.Categorical()).alias("customer")
    )
    return lines.join(known, on="customer_id", how="left", maintain_order="left")


def _with_orders(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    dropped = [status.lower() for status in rules.drop_statuses]
    statuses = lines["status"].unique().drop_nulls()
    bad = statuses.filter(statuses.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(dropped))
    dropped_status = pl.col("status").is_in(bad.implode()).fill_null(False)
    lines = lines.with_columns((dropped_status | pl.col("cancelled_at").is_not_null()).alias("not_completed"))
    if rules.cancelled_order is None:
        return lines.with_columns(pl.lit(False).alias("cancelled"))
    cancelled = pl.col("order_id").cast(pl.String).str.contains(rules.cancelled_order)
    orders = lines.select("order_id").unique().drop_nulls().with_columns(cancelled.alias("cancelled"))
    return lines.join(orders, on="order_id", how="left", maintain_order="left")


def _with_doubles(lines: pl.DataFrame) -> pl.DataFrame:
    # Eight bytes a line to compare instead of eleven columns. Two different lines of one order share a hash
    # less than once in 10^17 pairs.
    said = lines.select((*_BOUGHT, *_SAID)).hash_rows()
    lines = lines.with_columns(lines.select(_BOUGHT).hash_rows().alias("content"), said.alias("said"))
    duplicate = ~pl.struct("file", "order_id", "said").is_first_distinct()
    judged = lines.with_columns(duplicate.alias("duplicate"), _repeated(lines).alias("repeated"))
    return judged.drop("content", "said")


def _repeated(lines: pl.DataFrame) -> pl.Series:
    """Whether an equal line stands in an earlier file, shape (n_lines,)."""
    repeated = pl.Series([False]).new_from_index(0, len(lines))
    files = lines.group_by("order_id").agg(pl.col("file").n_unique())
    in_several = files.filter(pl.col("file") > 1).select("order_id")
    if in_several.is_empty():
        return repeated
    numbered = lines.select("file", "order_id", "content").with_row_index("line")
    shared = numbered.join(in_several, on="order_id").sort("line")
    nth = shared.with_columns(pl.int_range(pl.len()).over("file", "order_id", "content").alias("nth"))
    later = nth.filter(pl.col("file") > pl.col("file").min().over("order_id", "content", "nth"))
    return repeated.scatter(later["line"], True)


def _with_usual_quantity(lines: pl.DataFrame) -> pl.DataFrame:
    bought = lines.filter(pl.col("quantity") > 0)
    shops = bought["quantity"].median()
    enough = pl.len() >= FEWEST_FOR_A_MEDIAN
    usual = bought.group_by("item").agg(
        pl.when(enough).then(pl.col("quantity").median()).otherwise(shops).alias("usual_quantity")
    )
    return lines.join(usual, on="item", how="left", maintain_order="left")
