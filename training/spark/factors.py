"""ALS by Spark's MLlib, as the model that the rest of the code knows."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyspark.sql.functions as F
from numpy.typing import NDArray
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame

from recommender.models.als import Als, AlsModel

from .frames import collected

_RATINGS_A_BLOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class SparkFactors:
    """Factors that MLlib found.

    Attributes:
        model: what is known of the items; it has no customers.
        customers: columns `customer` and `features`, an array; customers without a purchase are not there.
    """

    model: AlsModel
    customers: DataFrame


def fit_als(weights: DataFrame, settings: Als, n_items: int) -> SparkFactors:
    """Implicit-feedback ALS on what customers bought.

    MLlib's confidence is 1 + alpha · rating, so its rating is log(1 + weight), and alpha is ours.

    MLlib pulls every row by regParam · the number of its ratings (Zhou et al., "Large-scale parallel
    collaborative filtering for the Netflix Prize", 2008), ours pulls all alike. Stretching all customers'
    factors and shrinking all items' leaves every score as it is, so what the two pulls do to scores is their
    product: regParam is chosen such that MLlib's two mean pulls multiply to the square of ours.

    Args:
        weights: columns `customer`, `item`, `weight`, a row a pair; as `PurchaseHistory.interactions`.
        settings: of the model. `solver` has no say here.
        n_items: number of items, those without a row among them.
    """
    ratings = weights.select("customer", "item", F.log1p("weight").cast("float").alias("rating")).persist()
    size = ratings.agg(
        F.count("*").alias("ratings"),
        F.countDistinct("customer").alias("customers"),
        F.countDistinct("item").alias("items"),
    ).first()
    assert size is not None
    n, customers, items = (int(size[name]) for name in ("ratings", "customers", "items"))
    if not n:
        return _nothing_found(weights, settings, n_items)
    pull = settings.regularization * (np.sqrt(customers) + np.sqrt(items))
    a_rating = pull / max(np.sqrt((n / max(customers, 1)) * (n / max(items, 1))), 1.0)
    # Blocks beyond a million ratings each are worth a core; of fewer, each pass mostly starts tasks.
    blocks = min(weights.sparkSession.sparkContext.defaultParallelism, 1 + n // _RATINGS_A_BLOCK)
    found = ALS(
        rank=settings.factors,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        maxIter=settings.iterations,
        regParam=float(a_rating),
        alpha=settings.alpha,
        implicitPrefs=True,
        seed=settings.seed,
        userCol="customer",
        itemCol="item",
        ratingCol="rating",
    ).fit(ratings)
    ratings.unpersist()
    factors = rows_of(collected(found.itemFactors), "id", n_items, settings.factors)
    own_pull = a_rating * n / max(customers, 1)
    nobody = np.zeros((0, settings.factors), np.float32)
    model = AlsModel(nobody, factors, factors.T @ factors, np.float32(settings.alpha), np.float32(own_pull))
    return SparkFactors(model, found.userFactors.withColumnRenamed("id", "customer"))


def _nothing_found(weights: DataFrame, settings: Als, n_items: int) -> SparkFactors:
    """What can be said of the tastes of a shop that knows no customer; MLlib would refuse."""
    nobody, items = (np.zeros((n, settings.factors), np.float32) for n in (0, n_items))
    model = AlsModel(nobody, items, items.T @ items, np.float32(settings.alpha), np.float32(1))
    none = F.array().cast("array<float>").alias("features")
    return SparkFactors(model, weights.select("customer", none))


def rows_of(
    found: pl.DataFrame, at: str, n: int, width: int, column: str = "features"
) -> NDArray[np.float32]:
    """Arrays as the rows of a matrix, shape (n, width); zeros where there is none.

    Args:
        found: the arrays in `column`, and their rows in `at`.
        at: name of the column of rows.
        n: rows.
        width: of each.
        column: name of the column of arrays.
    """
    rows = np.zeros((n, width), np.float32)
    there = found.drop_nulls(column)
    if len(there):
        rows[there[at].to_numpy()] = there[column].explode().to_numpy().reshape(len(there), width)
    return rows
