"""Leaves out order lines of customers who opted out or were erased."""

import polars as pl

from recommender.data.ids import folded
from recommender.events.private_customers import Standing, Standings


def without_private(lines: pl.DataFrame, private: Standings, *, fold: bool) -> pl.DataFrame:
    """The lines from which may be learned.

    Args:
        lines: with `customer_id` and `ordered_at` (seconds since 1970 UTC), either null where not known.
        private: what customers asked for.
        fold: whether ids that differ in case or blanks are one customer: what one asked for holds for all.
    """
    if not private.by_digest:
        return lines
    ids = lines["customer_id"].unique().drop_nulls().cast(pl.String)
    named = pl.DataFrame({"id": ids}).with_columns(folded(pl.col("id"), fold=fold).alias("group"))
    asked: dict[str, list[Standing]] = {}
    for id_, group in named.iter_rows():
        asked.setdefault(group, []).extend(filter(None, {private.of(id_), private.of(group)}))
    since = {
        id_: max((float("inf") if each.hidden else each.since) for each in asked[group])
        for id_, group in named.iter_rows()
        if asked[group]
    }
    if not since:
        return lines
    text = pl.col("customer_id").cast(pl.String)
    begins = text.replace_strict(list(since), list(since.values()), default=None, return_dtype=pl.Float64)
    return lines.filter(begins.is_null() | (pl.col("ordered_at") >= begins).fill_null(False))
