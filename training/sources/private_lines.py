"""Leaves out order lines of customers who opted out or were erased."""

import re

import polars as pl

from recommender.data.ids import folded
from recommender.events.private_customers import Standing, Standings

_POINT_ZERO = re.compile(r"(-?\d+)\.0+")


def without_private(lines: pl.DataFrame, private: Standings, *, fold: bool) -> pl.DataFrame:
    """The lines from which may be learned.

    Args:
        lines: with `customer_id` and `ordered_at` (seconds since 1970 UTC), either null where not known.
        private: what customers asked for.
        fold: whether ids that differ in case or blanks are one customer: what one asked for holds for all.
    """
    if not private.by_digest:
        return lines
    since = begins(lines["customer_id"].unique().drop_nulls().cast(pl.String), private, fold=fold)
    if not since:
        return lines
    text = pl.col("customer_id").cast(pl.String)
    begun = text.replace_strict(list(since), list(since.values()), default=None, return_dtype=pl.Float64)
    return lines.filter(begun.is_null() | (pl.col("ordered_at") >= begun).fill_null(False))


def begins(ids: pl.Series, private: Standings, *, fold: bool) -> dict[str, float]:
    """From when on may be learned from those who asked for something: seconds since 1970 UTC, inf for never.

    Args:
        ids: of customers, as orders spell them, each once.
        private: what customers asked for.
        fold: see `without_private`.
    """
    named = pl.DataFrame({"id": ids}).with_columns(folded(pl.col("id"), fold=fold).alias("group"))
    asked: dict[str, list[Standing]] = {}
    for id_, group in named.iter_rows():
        # A file with a missing id somewhere writes whole numbers as 13085.0.
        number = _POINT_ZERO.fullmatch(id_)
        spelt = {id_, group, number[1] if number else id_}
        asked.setdefault(group, []).extend(filter(None, map(private.of, spelt)))
    return {
        id_: max((float("inf") if each.hidden else each.since) for each in asked[group])
        for id_, group in named.iter_rows()
        if asked[group]
    }
