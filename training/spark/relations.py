"""Which items belong together, by joining what stands in one row with itself."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
import pyspark.sql.functions as F
from pyspark.sql import DataFrame
from scipy.sparse import csr_array

from recommender.models.measures import Measure
from recommender.models.neighbours import relations_of_pairs

from .frames import Schema, by_block, collected

_ANCHORS_A_BLOCK = 2_000
_RELATION: Schema = {"anchor": "int", "other": "int", "strength": "float"}


def products(rows: DataFrame, by: str, weights: Sequence[str]) -> DataFrame:
    """What every two items share, each pair once.

    Args:
        rows: columns `by`, `item` and the weights; an item stands in a row once.
        by: what a row is: an order, a customer.
        weights: columns whose products are summed over the rows that hold both items.

    Returns:
        Columns `anchor`, `other` (the higher item) and the sums by the names of the weights.
    """
    one = rows.select(
        by, F.col("item").alias("anchor"), *(F.col(name).alias(f"{name}_a") for name in weights)
    )
    two = rows.select(by, F.col("item").alias("other"), *(F.col(name).alias(f"{name}_b") for name in weights))
    both = one.join(two, by).where("anchor < other").groupBy("anchor", "other")
    return both.agg(*(F.sum(F.col(f"{name}_a") * F.col(f"{name}_b")).alias(name) for name in weights))


def strongest(
    pairs: DataFrame,
    weight: str,
    measure: Measure,
    *,
    n: int,
    min_together: float = 0.0,
) -> csr_array:
    """The `n` strongest relations of each item: `neighbours.strongest_relations` of sums made before.

    Args:
        pairs: as `products` makes them.
        weight: which of their sums counts.
        measure: makes a relation of the sum shared and of the two items.
        n: relations to keep for an anchor; ties go to the lower item.
        min_together: pairs that share less than this are no relation.

    Returns:
        Shape (n_items, n_items) float32, row = anchor.
    """
    shared = pairs.where(F.col(weight) >= min_together) if min_together else pairs.where(F.col(weight) > 0)
    together = F.col(weight).cast("float").alias("together")
    either = shared.select("anchor", "other", together).union(
        shared.select(F.col("other").alias("anchor"), F.col("anchor").alias("other"), together)
    )
    blocks = either.withColumn("anchors", F.floor(F.col("anchor") / _ANCHORS_A_BLOCK))
    work = partial(_strongest_of, measure=measure, n=n)
    found = collected(by_block(blocks, "anchors", work, _RELATION)).sort("anchor", "other")
    at = (found["anchor"].to_numpy(), found["other"].to_numpy())
    return csr_array((found["strength"].to_numpy(), at), shape=(len(measure.mass),) * 2, dtype=np.float32)


def _strongest_of(pairs: pl.DataFrame, *, measure: Measure, n: int) -> pl.DataFrame:
    anchor, other, together = (pairs[name].to_numpy() for name in ("anchor", "other", "together"))
    strength = relations_of_pairs(measure, anchor, other, together)
    related = pairs.select("anchor", "other").with_columns(pl.Series("strength", strength))
    best_first = related.filter(pl.col("strength") > 0).sort(
        "anchor", "strength", "other", descending=[False, True, False]
    )
    return best_first.group_by("anchor", maintain_order=True).head(n)
