"""How each item sells, told by all of its purchases: a task a block of items, by the code of one machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyspark.sql.functions as F
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST
from recommender.data.vocabulary import Vocabulary
from recommender.models.best_sellers import BestSellers
from recommender.ranking.feature_columns import Columns, item_columns
from recommender.ranking.paired_lines import purchases_by_pair

from .frames import Schema, by_block, collected
from .orders import NOBODY, log_of

_LINES_A_BLOCK = 5_000_000
_MOST_ITEMS_A_BLOCK = 2_000
_LOWEST_PRICE = 0.01

_NO_LINES = pl.DataFrame(
    schema={
        "order": pl.Int64, "customer": pl.Int32, "item": pl.Int32, "quantity": pl.Float32,
        "unit_price": pl.Float32, "ordered_at": pl.Int64,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemTables:
    """What is known of items at a moment, from everybody's purchases; all of shape (n_items,).

    Attributes:
        columns: what the ranker may know of them.
        sold: how well they sell (`BestSellers`).
        lines: purchase lines, returns taken off.
        mean_price: geometric mean of the prices paid in the whole shop; NaN where it knows none.
    """

    columns: Columns
    sold: NDArray[np.float32]
    lines: NDArray[np.int64]
    mean_price: float

    @classmethod
    def of(cls, purchases: DataFrame, items: Vocabulary, best: BestSellers, cut: int) -> "ItemTables":
        """Of the purchases at a moment, as `purchases.purchases_at` gives them."""
        log_price = F.log(F.greatest(F.col("unit_price").cast("double"), F.lit(_LOWEST_PRICE)))
        found = purchases.agg(F.exp(F.avg(log_price)).alias("mean"), F.count("*").alias("lines")).first()
        assert found is not None
        mean = float("nan") if found["mean"] is None else float(found["mean"])
        width = max(1, min(_MOST_ITEMS_A_BLOCK, len(items) * _LINES_A_BLOCK // max(1, found["lines"])))
        priced = purchases.withColumn("unit_price", F.coalesce("unit_price", F.lit(mean).cast("float")))
        blocks = priced.withColumn("items", F.floor(F.col("item") / width))
        work = partial(_of_block, width=width, n_items=len(items), best=best, cut=cut)
        of_nothing = _of_lines(_NO_LINES, len(items), best, cut)
        schema: Schema = {name: _KINDS[type(dtype)] for name, dtype in of_nothing.schema.items()}
        sold = collected(by_block(blocks, "items", work, {"at": "int", **schema}))
        at = sold["at"].to_numpy()
        columns: dict[str, NDArray[np.generic]] = {}
        for name in schema:
            columns[name] = of_nothing[name].to_numpy(writable=True)
            columns[name][at] = sold[name].to_numpy()
        return cls(
            sold=columns.pop("sold").astype(np.float32),
            lines=columns.pop("lines").astype(np.int64),
            columns={name: column.astype(np.float32) for name, column in columns.items()},
            mean_price=mean,
        )

    def looked_at(self, items: Vocabulary, *, oldest: bool = False) -> PurchaseHistory:
        """A history of one purchase an item, its last one or its first."""
        age = self.columns["item_age" if oldest else "item_days_since_sold"]
        sold = np.flatnonzero(~np.isnan(age)).astype(np.int32)
        sold = sold[np.argsort(-age[sold], kind="stable")]
        return PurchaseHistory(
            order=np.arange(len(sold), dtype=np.int32),
            customer=np.full(len(sold), GUEST, np.int32),
            item=sold,
            age_days=age[sold],
            n_orders=len(sold),
            customers=NOBODY,
            items=items,
        )


_KINDS: Mapping[type, str] = {pl.Float32: "float", pl.Int64: "long"}


def _of_block(lines: pl.DataFrame, *, width: int, n_items: int, best: BestSellers, cut: int) -> pl.DataFrame:
    first = int(lines["item"][0]) // width * width
    size = min(width, n_items - first)
    known = pl.col("customer") != GUEST
    # Only how many customers there are counts here, and not who: else each block would count them all.
    numbered = pl.when(known).then("customer").rank("dense").cast(pl.Int32) - 1
    own = lines.with_columns(pl.col("item") - first, numbered.fill_null(GUEST).alias("customer"))
    found = _of_lines(own, size, best, cut).with_columns(at=pl.int_range(first, first + size, dtype=pl.Int32))
    return found.filter(pl.col("lines") > 0)


def _of_lines(lines: pl.DataFrame, n_items: int, best: BestSellers, cut: int) -> pl.DataFrame:
    customers = int(lines["customer"].to_numpy().max(initial=GUEST)) + 1
    log = log_of(lines, _numbers(customers), _numbers(n_items))
    history = PurchaseHistory.at(log, cut)
    columns = dict(item_columns(log, history, purchases_by_pair(history)))
    columns["sold"] = best.fit(history).sold
    return pl.DataFrame(columns).with_columns(lines=np.bincount(log.item, minlength=n_items))


def _numbers(n: int) -> Vocabulary:
    return Vocabulary(tuple(map(str, range(n))))
