"""A shop's clean orders as a DataFrame of positions, and what the driver knows of all of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyspark.sql.functions as F
from pyspark.sql import DataFrame, SparkSession

from recommender.data.catalog import Catalog
from recommender.data.item_rows import ItemRows
from recommender.data.order_history import by_position, catalog
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary

from ..settings import Settings
from ..sources.reading import listed
from .clean_lines import CleanLines
from .frames import Schema, by_block, collected, with_categories

CUSTOMERS_A_BLOCK = 10_000
"""Customers whose lists one task makes: a few hundred megabytes."""

_GUESTS_LINES_A_BLOCK = 500_000
_A_PARTITION = 1 << 33
"""`monotonically_increasing_id` counts the rows of a partition in its lower 33 bits."""

NOBODY = Vocabulary(())
"""Ids that are not looked at."""


@dataclass(frozen=True, slots=True)
class ShopOrders:
    """Everything that was ordered.

    Attributes:
        lines: columns `order` (id), `customer` (position, `GUEST` where unknown), `item` (position in
            `catalog.items`), `quantity`, `unit_price`, `ordered_at`, and `block`: customers of one block
            stand next to each other, and of theirs no line is elsewhere; guests' blocks are below 0.
        customers: ids, sorted.
        catalog: what the shop says of the items sold, and of others that may be new.
        sold: ids of the items sold.
        first_time, last_time: of the oldest and the newest line, seconds since 1970 UTC.
    """

    lines: DataFrame
    customers: Vocabulary
    catalog: Catalog
    sold: Vocabulary
    first_time: int
    last_time: int

    @property
    def session(self) -> SparkSession:
        """Where the lines are."""
        return self.lines.sparkSession

    @classmethod
    def of(cls, clean: CleanLines, settings: Settings, items: ItemRows | None) -> "ShopOrders":
        """Number customers and items, and ask the lines what items are called."""
        said = _said_of_items(clean.kept)
        sold = Vocabulary(tuple(said["item"]))
        everything = catalog(_as_lines(said), sold, listed(sold, items, settings.new_items), items)
        positions, customers = _numbered(clean.kept.select(F.col("customer").alias("id")))
        lines = _with_positions(clean.kept, positions, everything.items).persist()
        span = lines.agg(F.min("ordered_at").alias("first"), F.max("ordered_at").alias("last")).first()
        assert span is not None
        return cls(lines, customers, everything, sold, int(span["first"]), int(span["last"]))

    def until(self, time: int) -> DataFrame:
        """The lines known at a moment, that second included."""
        return self.lines.where(F.col("ordered_at") <= time)


def log_of(lines: pl.DataFrame, customers: Vocabulary, items: Vocabulary) -> OrderLog:
    """Some lines as a log, in the order that a log of all of them has.

    Args:
        lines: columns `order` (id or number, rising with the id), `customer`, `item`, `quantity`,
            `unit_price`, `ordered_at`.
        customers: ids of the customers that the positions count.
        items: likewise of the items.
    """
    order = (pl.col("order").rank("dense") - 1).cast(pl.Int32)
    by_time = ("ordered_at", "order", "item", "customer", "quantity", "unit_price")
    rows = lines.with_columns(order).sort(by_time)
    return OrderLog(
        order=rows["order"].to_numpy(writable=True),
        customer=rows["customer"].to_numpy(writable=True),
        item=rows["item"].to_numpy(writable=True),
        quantity=rows["quantity"].to_numpy(writable=True),
        unit_price=rows["unit_price"].fill_null(float("nan")).to_numpy(writable=True),
        ordered_at=rows["ordered_at"].to_numpy(writable=True),
        orders=NOBODY,
        customers=customers,
        items=items,
    )


def _said_of_items(kept: DataFrame) -> pl.DataFrame:
    """What order lines call each item, a row an item, sorted by id."""
    schema: Schema = {"item": "string", "title": "string", "category": "string", "unit_price": "float"}
    blocks = F.pmod(F.xxhash64("item"), F.lit(kept.sparkSession.sparkContext.defaultParallelism))
    return collected(by_block(kept.withColumn("items", blocks), "items", _called, schema)).sort("item")


def _called(lines: pl.DataFrame) -> pl.DataFrame:
    rows, vocabularies = by_position(with_categories(lines))
    said = catalog(rows, vocabularies["items"], vocabularies["items"], None)
    texts = {"item": said.items.ids, "title": said.title, "category": said.category}
    return pl.DataFrame(texts, dict.fromkeys(texts, pl.String)).with_columns(
        pl.Series("unit_price", said.price).fill_nan(None)
    )


def _as_lines(said: pl.DataFrame) -> pl.DataFrame:
    """One line an item that says all that its lines said; an item's position is its row."""
    return said.with_columns(
        pl.lit(1.0).alias("quantity"), pl.int_range(pl.len(), dtype=pl.Int32).alias("item")
    )


def _numbered(ids: DataFrame) -> tuple[DataFrame, Vocabulary]:
    """Ids with their positions, columns `id` and `position`, and the sorted ids on the driver."""
    known = ids.where(F.col("id").isNotNull()).distinct().sort("id")
    placed = known.withColumn("place", F.monotonically_increasing_id()).persist()
    found = collected(placed).sort("place")
    # The upper bits are the partition: what stands in those before it comes first.
    partitions = found.group_by(pl.col("place").floordiv(_A_PARTITION).alias("partition")).len()
    rows = pl.col("len").cast(pl.Int64)
    partitions = partitions.sort("partition").select("partition", before=rows.cum_sum() - rows)
    before = ids.sparkSession.createDataFrame(partitions.to_arrow())
    partition = F.floor(F.col("place") / _A_PARTITION)
    numbered = placed.withColumn("partition", partition).join(F.broadcast(before), "partition")
    position = (F.col("before") + F.col("place") % _A_PARTITION).cast("int")
    return numbered.select("id", position.alias("position")), Vocabulary(tuple(found["id"]))


def _with_positions(kept: DataFrame, customers: DataFrame, items: Vocabulary) -> DataFrame:
    at = pa.table({"item": list(items.ids), "item_at": np.arange(len(items), dtype=np.int32)})
    item_at = F.broadcast(kept.sparkSession.createDataFrame(at))
    customer_at = customers.withColumnRenamed("id", "customer")
    lines = kept.join(item_at, "item").join(customer_at, "customer", "left")
    customer = F.coalesce("position", F.lit(GUEST))
    guests = kept.where(F.col("customer").isNull()).count() // _GUESTS_LINES_A_BLOCK + 1
    of_guest = -1 - F.pmod(F.xxhash64("order_id"), F.lit(guests))
    return lines.select(
        F.col("order_id").alias("order"),
        customer.alias("customer"),
        F.col("item_at").alias("item"),
        "quantity",
        "unit_price",
        "ordered_at",
        F.when(customer == GUEST, of_guest)
        .otherwise(F.floor(customer / CUSTOMERS_A_BLOCK))
        .cast("int")
        .alias("block"),
    )
