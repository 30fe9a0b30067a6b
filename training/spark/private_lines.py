"""Leaves out order lines of customers who opted out or were erased, on Spark."""

import polars as pl
import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame

from recommender.events.private_customers import Standings

from ..sources.private_lines import begins
from .frames import collected

_BEGINS = "__begins"


def without_private(lines: DataFrame, private: Standings, *, fold: bool) -> DataFrame:
    """The lines from which may be learned; arguments as of `sources.private_lines.without_private`.

    Only where somebody asked for something are the ids of all customers looked at, on the driver.
    """
    if not private.by_digest:
        return lines
    ids = collected(lines.select("customer_id").where("customer_id IS NOT NULL").distinct())
    since = begins(ids["customer_id"].cast(pl.String), private, fold=fold)
    if not since:
        return lines
    told = pa.table({"customer_id": list(since), _BEGINS: pa.array(since.values(), pa.float64())})
    marked = lines.join(F.broadcast(lines.sparkSession.createDataFrame(told)), "customer_id", "left")
    counts = F.col(_BEGINS).isNull() | F.coalesce(F.col("ordered_at") >= F.col(_BEGINS), F.lit(False))
    return marked.where(counts).select(*lines.columns)
