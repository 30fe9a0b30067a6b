"""Some customers and all of their orders on the driver: to learn the ranker from, and to judge by."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyspark.sql.functions as F
from numpy.typing import NDArray

from recommender.data.order_history import by_position, order_log
from recommender.data.places import Places

from ..sources import ReadOrders
from .clean_lines import CleanLines
from .frames import collected, with_categories
from .orders import ShopOrders
from .shared import CustomerFactors, SharedWithFactors, factors_in

MOST_CUSTOMERS = 200_000
"""In a shop with more, so many are drawn; guests' orders are drawn at the same rate."""

_OF_A_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """All orders of some customers, as a shop of its own with the whole shop's items.

    Attributes:
        read: their orders; findings and counts are those of the whole shop.
        positions: shape (n_customers,) int32, rising: where each customer stands in the whole shop.
    """

    read: ReadOrders
    positions: NDArray[np.int32]

    @classmethod
    def drawn(cls, clean: CleanLines, orders: ShopOrders, most: int = MOST_CUSTOMERS) -> "Sample":
        """Draw about `most` customers by their ids, so that the same ones are drawn tomorrow."""
        kept, share = clean.kept, min(1.0, most / max(1, len(orders.customers)))
        if share < 1:
            who = F.coalesce("customer", "order_id")
            # Whoever ordered last is among them: windows are counted back from the newest order.
            newest = kept.where(F.col("ordered_at") == orders.last_time).select(who.alias("who")).first()
            assert newest is not None
            drawn = F.pmod(F.xxhash64(who), F.lit(_OF_A_MILLION)) < int(share * _OF_A_MILLION)
            kept = kept.where(drawn | (who == newest["who"]))
        lines, vocabularies = by_position(with_categories(collected(kept)))
        log = order_log(lines, vocabularies).with_items(orders.catalog.items.ids)
        places = Places.of_lines(lines, len(log.orders))
        read = ReadOrders(log, orders.catalog, places, clean.findings, clean.lines, clean.quarantined)
        return cls(read, orders.customers.positions(log.customers.ids))

    def factors(self, learned: SharedWithFactors) -> CustomerFactors:
        """Factors of these customers, a row a customer."""
        numbered = {"customer": self.positions, "row": np.arange(len(self.positions), dtype=np.int32)}
        rows = learned.factors.sparkSession.createDataFrame(pa.table(numbered))
        found = collected(learned.factors.join(F.broadcast(rows), "customer").drop("customer", "block"))
        renamed = found.with_columns(pl.col("row").alias("customer"))
        return factors_in(renamed, 0, len(self.positions), learned.shared)
