"""Order lines with what it takes to judge each: its item, customer and order, and its doubles."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from recommender.data.cleaning_rules import CleaningRules
from recommender.data.groups import of_equal_pairs
from recommender.data.ids import folded
from recommender.data.item_rows import ItemRows
from recommender.data.lookups import distinct, of_lines
from recommender.data.order_lines import IDS, TEXTS

OUTLIER_FACTOR = 1000
"""How many times an item's usual quantity makes a line an outlier."""

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
    - `outlier`: of more than `OUTLIER_FACTOR` times the median quantity of the item's purchases; of the
      shop's for items with fewer than five

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
    return _with_outliers(judged)


def _with_items(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    # Patterns are searched once an id, not once a line.
    ids = distinct(lines["item_id"])
    text = folded(pl.lit(ids.cast(pl.String)), fold=rules.fold_item_case).alias("item")
    judged = pl.select(text).with_columns(_non_product(rules).alias("non_product"))
    item = lines["item_id"]
    if rules.fold_item_case:
        item = of_lines(item, ids, judged["item"].cast(item.dtype))
    non_product = of_lines(lines["item_id"], ids, judged["non_product"])
    return lines.with_columns(item.alias("item"), non_product.alias("non_product"))


def _non_product(rules: CleaningRules) -> pl.Expr:
    # Where case does not tell items apart, it does not tell products from postage either.
    item, case = pl.col("item"), "(?i)" if rules.fold_item_case else ""
    is_product = item.str.contains(case + rules.product_pattern) if rules.product_pattern else pl.lit(True)
    return ~is_product | _any_match(item, [case + pattern for pattern in rules.non_product])


def _any_match(ids: pl.Expr, patterns: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.lit(False), *(ids.str.contains(pattern) for pattern in patterns))


def _with_category(lines: pl.DataFrame, rules: CleaningRules, items: ItemRows | None) -> pl.DataFrame:
    if not rules.drop_categories:
        return lines.with_columns(pl.lit(False).alias("dropped_category"))
    dropped = pl.Series(rules.drop_categories, dtype=pl.String).cast(pl.Categorical())
    category = lines["category"].cast(pl.Categorical())
    if items is not None:
        # The item file's word on a category goes before what stands on the line.
        known = items.frame.filter(pl.col("category").is_not_null())
        said = known["category"].cast(pl.Categorical())
        by_item = of_lines(lines["item"], known["group"].cast(lines.schema["item"]), said)
        category = by_item.zip_with(by_item.is_not_null(), category)
    return lines.with_columns(
        category.alias("category"), category.is_in(dropped.implode()).alias("dropped_category")
    )


def _with_customers(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    given = lines["customer_id"]
    if not rules.guest_customers and not rules.fold_customer_case:
        return lines.with_columns(given.alias("customer"))
    ids = distinct(given)
    ids = ids.filter(~ids.cast(pl.String).is_in(rules.guest_customers))
    known = pl.select(folded(pl.lit(ids.cast(pl.String)), fold=rules.fold_customer_case)).to_series()
    return lines.with_columns(of_lines(given, ids, known.cast(given.dtype)).alias("customer"))


def _with_orders(lines: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    dropped = [status.lower() for status in rules.drop_statuses]
    statuses = lines["status"].unique().drop_nulls()
    bad = statuses.filter(statuses.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(dropped))
    dropped_status = pl.col("status").is_in(bad.implode()).fill_null(False)
    lines = lines.with_columns((dropped_status | pl.col("cancelled_at").is_not_null()).alias("not_completed"))
    if rules.cancelled_order is None:
        return lines.with_columns(pl.lit(False).alias("cancelled"))
    orders = distinct(lines["order_id"])
    cancelled = orders.cast(pl.String).str.contains(rules.cancelled_order)
    return lines.with_columns(of_lines(lines["order_id"], orders, cancelled).alias("cancelled"))


def _with_doubles(lines: pl.DataFrame) -> pl.DataFrame:
    there = [name for name in (*_BOUGHT, *_SAID) if lines.schema[name] != pl.Null]
    order, item = (lines[name].to_physical().fill_null(0).to_numpy() for name in ("order_id", "item_id"))
    # Of most orders no two lines name one item: only the others' lines are compared in all they say.
    at = pl.Series("line", of_equal_pairs(order, item), pl.UInt32)
    alike = lines.select("file", *there)[at].with_columns(at)
    return lines.with_columns(
        _marked(_duplicates(alike), len(lines)).alias("duplicate"),
        _marked(_repeated(alike), len(lines)).alias("repeated"),
    )


def _marked(at: pl.Series, n_lines: int) -> pl.Series:
    return pl.Series([False]).new_from_index(0, n_lines).scatter(at, True)


def _duplicates(lines: pl.DataFrame) -> pl.Series:
    """The `line` of those to which an equal line stands before them in their file."""
    # Of 50 million different lines two share a hash less than once in ten thousand shops, and what is said
    # of doubles changes nothing.
    return lines["line"].filter(~lines.drop("line").hash_rows().is_first_distinct())


def _repeated(lines: pl.DataFrame) -> pl.Series:
    """The `line` of those to which an equal line stands in an earlier file."""
    shared = lines.drop_nulls("order_id").filter(
        (pl.col("file").min() != pl.col("file").max()).over("order_id")
    )
    # Two different lines of one order share a hash less than once in 10^17 pairs.
    content = shared.select(_BOUGHT).hash_rows().alias("content")
    shared = shared.select("file", "order_id", content, "line")
    nth = shared.with_columns(pl.int_range(pl.len()).over("file", "order_id", "content").alias("nth"))
    later = nth.filter(pl.col("file") > pl.col("file").min().over("order_id", "content", "nth"))
    return later["line"]


def _with_outliers(lines: pl.DataFrame) -> pl.DataFrame:
    bought = lines.lazy().select("item", "quantity").filter(pl.col("quantity") > 0).collect()
    quantity = bought["quantity"].to_numpy()
    if quantity.max(initial=0) <= OUTLIER_FACTOR * quantity.min(initial=np.inf):
        # No median is below the smallest quantity: most shops are done here.
        return lines.with_columns(pl.lit(False).alias("outlier"))
    enough = pl.len() >= FEWEST_FOR_A_MEDIAN
    usual = (
        bought.drop_nulls("item")
        .group_by("item")
        .agg(pl.when(enough).then(pl.col("quantity").median()).otherwise(bought["quantity"].median()))
    )
    of_line = of_lines(lines["item"], usual["item"], usual["quantity"])
    return lines.with_columns((pl.col("quantity") > OUTLIER_FACTOR * of_line).alias("outlier"))
