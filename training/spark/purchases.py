"""What was kept of the orders until a moment: returns taken off, items that count, as a DataFrame."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyspark.sql.functions as F
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog
from recommender.data.returns import net_of_returns
from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.split import often_bought

from ..settings import Settings
from .frames import Schema, by_block, collected
from .orders import NOBODY, ShopOrders, log_of

_PURCHASES: Schema = {
    "order": "long",
    "customer": "int",
    "item": "int",
    "quantity": "float",
    "unit_price": "float",
    "ordered_at": "long",
    "counts": "boolean",
}


@dataclass(frozen=True, slots=True)
class KnownItems:
    """The items that count at a moment.

    Attributes:
        catalog: what is known of them, newcomers included.
        known: shape (n,), which items of the whole shop's catalog they are.
    """

    catalog: Catalog
    known: NDArray[np.bool_]

    @classmethod
    def at(
        cls, orders: ShopOrders, past: "ItemsPast", catalog: Catalog, settings: Settings, cut: int
    ) -> "KnownItems":
        """Those that were bought often enough by then, or are new, as `moment.known_split` finds them.

        Args:
            orders: of the shop.
            past: what was bought by then.
            catalog: what the shop says of items, as it was known then.
            settings: say how often is enough, and what is new.
            cut: seconds since 1970 UTC.
        """
        everything = orders.catalog.items
        known = often_bought(past.lines, settings.lists.min_item_lines)
        is_new = settings.new_items.among(catalog, past.digest, cut)
        known[everything.positions(catalog.items.ids)[is_new]] = True
        items, _ = everything.subset(known)
        return cls(catalog.align(items), known)


@dataclass(frozen=True, slots=True)
class ItemsPast:
    """What was bought of each item by a moment.

    Attributes:
        lines: shape (n_items,), purchase lines of each item.
        digest: the first purchase of each item, the last one with a price, and a return where there is
            nothing else: a log that says of items when they first sold and what they last cost, no more.
    """

    lines: NDArray[np.int64]
    digest: OrderLog

    @classmethod
    def at(cls, orders: ShopOrders, cut: int) -> "ItemsPast":
        """Looked up in the orders until then."""
        bought, priced = F.col("quantity") > 0, F.col("unit_price") > 0
        found = collected(
            orders.until(cut)
            .groupBy("item")
            .agg(
                F.count(F.when(bought, 1)).alias("lines"),
                F.min(F.when(bought, F.col("ordered_at"))).alias("first"),
                F.max_by("unit_price", F.when(bought & priced, F.col("ordered_at"))).alias("price"),
                F.max(F.when(bought & priced, F.col("ordered_at"))).alias("priced"),
                F.max("ordered_at").alias("last"),
            )
        )
        lines = np.zeros(len(orders.catalog.items), np.int64)
        lines[found["item"].to_numpy()] = found["lines"].to_numpy()
        return cls(lines, log_of(_digest(found), NOBODY, orders.catalog.items))


def _digest(found: pl.DataFrame) -> pl.DataFrame:
    parts = (
        (found.filter(pl.col("first").is_not_null()), "first", pl.lit(1.0), pl.lit(None)),
        (found.filter(pl.col("priced").is_not_null()), "priced", pl.lit(1.0), pl.col("price")),
        (found.filter(pl.col("first").is_null()), "last", pl.lit(-1.0), pl.lit(None)),
    )
    return pl.concat(
        part.select(
            pl.lit(0, pl.Int32).alias("order"),
            pl.lit(GUEST, pl.Int32).alias("customer"),
            pl.col("item").cast(pl.Int32),
            quantity.cast(pl.Float32).alias("quantity"),
            price.cast(pl.Float32).alias("unit_price"),
            pl.col(at).alias("ordered_at"),
        )
        for part, at, quantity, price in parts
    )


def purchases_at(orders: ShopOrders, known: KnownItems, cut: int) -> DataFrame:
    """Purchases of known items until a moment, returns taken off, in the positions of the known items.

    A customer's lines are in one block, and a guest's return undoes nothing: so a block nets by itself.

    Returns:
        Columns `order` (a number of its own), `customer`, `item`, `quantity`, `unit_price` (null where
        it is not known), `ordered_at`, and `counts`: False for a second line of an item in an order.
    """
    lines = orders.until(cut).withColumn("order_key", F.xxhash64("order"))
    work = partial(_kept_of, known=known.known, items=known.catalog.items)
    kept = by_block(lines, "block", work, _PURCHASES)
    return kept.persist()


def _kept_of(lines: pl.DataFrame, *, known: NDArray[np.bool_], items: Vocabulary) -> pl.DataFrame:
    moved = np.where(known, np.cumsum(known) - 1, -1).astype(np.int32)
    at = pl.Series("item", moved[lines["item"].to_numpy()])
    # Numbered by the line's order id first, since that is what tells two orders of one second apart.
    lines = lines.with_columns(at).filter(pl.col("item") >= 0)
    keys = lines.select("order", "order_key").unique("order").sort("order")["order_key"].to_numpy()
    kept = net_of_returns(log_of(lines, NOBODY, items)).orders
    return _as_frame(kept, keys)


def _as_frame(kept: OrderLog, keys: NDArray[np.int64]) -> pl.DataFrame:
    columns: Mapping[str, NDArray[np.generic]] = {
        "order": keys[kept.order],
        "customer": kept.customer,
        "item": kept.item,
        "quantity": kept.quantity,
        "unit_price": kept.unit_price,
        "ordered_at": kept.ordered_at,
    }
    once = pl.struct("order", "customer", "item").is_first_distinct().alias("counts")
    return pl.DataFrame(dict(columns)).with_columns(once, pl.col("unit_price").fill_nan(None))


def pair_weights(purchases: DataFrame, cut: int, half_lives: Mapping[str, float]) -> DataFrame:
    """How much each known customer's purchases of each item weigh at a moment.

    Args:
        purchases: as `purchases_at` gives them.
        cut: that moment.
        half_lives: days by name of the column wanted.

    Returns:
        Columns `customer`, `item`, one a half-life (`PurchaseHistory.interactions`), and one called
        `last_…` a half-life, of the last purchase alone (`PurchaseHistory.last_purchases`).
    """
    known = purchases.where(F.col("counts") & (F.col("customer") != GUEST))
    age = (F.lit(cut) - F.col("ordered_at")) / DAY
    weights = {name: F.pow(F.lit(2.0), -age / days) for name, days in half_lives.items()}
    return known.groupBy("customer", "item").agg(
        *(F.sum(weight).alias(name) for name, weight in weights.items()),
        *(F.max(weight).alias(f"last_{name}") for name, weight in weights.items()),
    )
