"""What is proposed as one offer, found in all purchases, and as tables for mailings."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, BundleTable
from recommender.campaigns.bundles import KnownOrders
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles, own_bundles
from recommender.errors import ConfigError
from recommender.models.shared_orders import Baskets
from recommender.snapshot.directory import Lists, Snapshot

from .carried import Carried
from .item_lists import PlainLists
from .learning import Learned
from .moment import Purchases
from .progress import Progress
from .settings import Settings


def shop_bundles(
    purchases: Purchases, plain: PlainLists, settings: Settings, progress: Progress, *, carried: Carried
) -> BundleTable | None:
    """What the shop can offer together.

    Args:
        purchases: what there is to learn from.
        plain: what is bought together.
        settings: `bundles` and `discounts` say how.
        progress: hears of the step.
        carried: items whose lists are those of the snapshot before.

    Returns:
        None where it is switched off.

    Raises:
        ConfigError: no item has the attribute that is to say its cost, or one is no number.
    """
    if not settings.bundles.per_item:
        return None
    with progress.step("Find bundles"):
        together, _ = carried.bought_together(plain.together.take(carried.new_items), plain.evidence)
        orders, baskets = purchases.orders, Baskets.of(purchases.history)
        known = KnownOrders(orders, orders.last_time, baskets, purchases.catalog, purchases.eligible)
        return settings.bundles.fit(known, together, settings.discounts)


def customers_bundles(
    table: BundleTable | None,
    lists: Lists,
    learned: Learned,
    due: DueTable | None,
    settings: Settings,
    progress: Progress,
) -> OwnBundles | None:
    """Which bundles fit each customer, in the order of the customers; None where there are none at all."""
    if table is None:
        return None
    n, due_from = settings.bundles.per_customer, settings.bundles.due_from
    with progress.step("Choose bundles for customers"):
        return own_bundles(table, lists.recommended, learned.bought, due, n=n, due_from=due_from)


def shop_frame(snapshot: Snapshot, *, different: int | None) -> pl.DataFrame:
    """The shop's bundles, a line each, the best first.

    Args:
        snapshot: where they stand.
        different: bundles with one and the same item at most; None for all there are.

    Returns:
        Columns `rank` from 1, `items`, `item_1` to `item_4`, `title_1` to `title_4`, `price`,
        `discount_percent`, `offer_price`, `orders`, `customers`, `lift`, `lift_low` and `completed`. Prices
        are null where one is not known.

    Raises:
        ConfigError: the snapshot holds no bundles.
    """
    table, _ = _bundles_of(snapshot)
    chosen = np.arange(len(table)) if different is None else table.different(different)
    return _told(snapshot, table, chosen).with_row_index("rank", offset=1)


def customer_frame(snapshot: Snapshot, *, n: int | None) -> pl.DataFrame:
    """Bundles of customers, a line each; columns as of `shop_frame`, and these.

    `customer_id`, `rank` for each customer from 1, and `owned` and `due`: ids of the items that the customer
    has, and of those that are due to be bought again, with a space between.

    Args:
        snapshot: where they stand.
        n: bundles of a customer at most; None for all there are.

    Raises:
        ConfigError: the snapshot holds no bundles.
    """
    table, own = _bundles_of(snapshot)
    row = own.row_of_place()
    rank = np.arange(len(row)) - own.starts[row] + 1
    kept = rank <= (n or len(table))
    said = _told(snapshot, table, own.bundles[kept])
    ids = pl.Series(values=snapshot.customers.ids, dtype=pl.String).gather(row[kept])
    return said.select(
        ids.alias("customer_id"),
        pl.Series("rank", rank[kept].astype(np.int32)),
        _named(said, own.owned[kept]).alias("owned"),
        _named(said, own.due[kept]).alias("due"),
        pl.all(),
    )


def _bundles_of(snapshot: Snapshot) -> tuple[BundleTable, OwnBundles]:
    if snapshot.bundles is None or snapshot.own_bundles is None:
        raise ConfigError(
            f"snapshot {snapshot.snapshot_id} holds no bundles: [bundles] per_item is 0, or it was trained "
            "by Spark or by an earlier cartlift"
        )
    return snapshot.bundles, snapshot.own_bundles


def _told(snapshot: Snapshot, table: BundleTable, bundles: NDArray[np.integer]) -> pl.DataFrame:
    """What there is to say of these bundles, a line each."""
    chosen, catalog = table.take(bundles), snapshot.catalog
    there = chosen.items != NO_ITEM
    prices = np.round(np.where(there, catalog.price[chosen.items], 0).astype(np.float64), 2)
    price = pl.Series("price", prices.sum(axis=1)).fill_nan(None).round(2)
    ids, titles = (
        pl.Series(values=[*values, None], dtype=pl.String) for values in (catalog.items.ids, catalog.title)
    )
    shares = {"lift": chosen.lift, "lift_low": chosen.lift_low, "completed": chosen.chance}
    return pl.DataFrame(
        {
            "items": chosen.sizes().astype(np.int32),
            **{f"item_{n + 1}": ids.gather(chosen.items[:, n]) for n in range(LARGEST)},
            **{f"title_{n + 1}": titles.gather(chosen.items[:, n]) for n in range(LARGEST)},
            "price": price,
            "discount_percent": chosen.discount,
            "offer_price": (price * (100 - chosen.discount.astype(np.float64)) / 100).round(2),
            "orders": chosen.orders,
            "customers": chosen.customers,
            **{name: np.round(column.astype(np.float64), 3) for name, column in shares.items()},
        }
    )


def _named(said: pl.DataFrame, bits: NDArray[np.uint8]) -> pl.Series:
    """Ids of the items whose places have a bit, with a space between."""
    columns = [pl.when(pl.Series(bits >> n & 1 == 1)).then(pl.col(f"item_{n + 1}")) for n in range(LARGEST)]
    return said.select(pl.concat_str(columns, separator=" ", ignore_nulls=True)).to_series()
