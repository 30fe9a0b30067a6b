"""What is learned at a moment from everybody's orders, and is the same for every customer: the item side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyspark.sql.functions as F
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.item_text import item_words
from recommender.data.newcomers import days_on_sale
from recommender.data.orders import GUEST, OrderLog
from recommender.data.returns import net_of_returns
from recommender.errors import DataError
from recommender.evaluation.split import TemporalSplit
from recommender.models.best_sellers import BestSellersModel
from recommender.models.buy_again import BuyAgainModel
from recommender.models.co_purchase import CoPurchaseModel
from recommender.models.item_knn import ItemKNNModel
from recommender.models.linear import Linear, LinearModel
from recommender.models.linear_relations import heaviest, weights_of_products
from recommender.models.registry import FITTED
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.features import FeatureTables

from ..learning import Learned
from ..moment import Purchases
from ..progress import Progress
from ..settings import Settings
from .factors import fit_als, rows_of
from .frames import collected
from .item_tables import ItemTables
from .orders import CUSTOMERS_A_BLOCK, ShopOrders
from .purchases import ItemsPast, KnownItems, pair_weights, purchases_at
from .relations import products, strongest

FACTORED = ("als", "als_long_term")
"""The models whose customers' side comes from Spark; all others' comes from the customer's own lines."""

CustomerFactors = Mapping[str, NDArray[np.float32]]
"""By name of the model, shape (n_customers, factors)."""


@dataclass(frozen=True, slots=True)
class PartOfShop(Learned):
    """Some of the shop's customers, with models that were learned from all of them.

    Attributes:
        purchases: of these customers.
    """

    purchases: Purchases


@dataclass(frozen=True, slots=True)
class Size:
    """How much was bought, returns taken off: lines, their orders, and their known customers."""

    lines: int
    orders: int
    customers: int


@dataclass(frozen=True, slots=True)
class Shared:
    """The models of a moment, without their customers.

    Attributes:
        cut: that moment, seconds since 1970 UTC.
        settings: of the models.
        items: the items that count.
        tables: how they sell.
        said: shape (n_items, n_words), words of the items.
        models: by name; they have no customers.
        eligible: shape (n_items,), False forbids an item.
        newcomers: shape (n_items,), items that need not have sold.
        size: how much was learned from.
    """

    cut: int
    settings: Settings
    items: KnownItems
    tables: ItemTables
    said: csr_array
    models: Mapping[str, Any]
    eligible: NDArray[np.bool_]
    newcomers: NDArray[np.bool_]
    size: Size

    def part(self, orders: OrderLog, factors: CustomerFactors) -> PartOfShop:
        """The moment of some customers, ranked by the blend until a ranker is given.

        Args:
            orders: all their lines until the moment, returns among them, in the shop's vocabulary of items.
            factors: of these customers, a row a customer.
        """
        purchases = self.purchases(orders)
        history, catalog, few = purchases.history, purchases.catalog, self.settings.lists.min_item_lines
        tables = FeatureTables.with_items(
            purchases.orders, history, catalog, items=self.tables.columns, said=self.said
        )
        return PartOfShop(
            cut=self.cut,
            newest=purchases.orders.last_time,
            customers=history.customers,
            catalog=catalog,
            eligible=self.eligible,
            # Of the whole shop's lines.
            unproven=self.newcomers & (self.tables.lines < few),
            models=self._with_customers(history, factors),
            tables=tables,
            bought=history.interactions(half_life_days=np.inf),
            ranker=None,
            ranked_by="the blend of the models",
            purchases=purchases,
        )

    def purchases(self, orders: OrderLog) -> Purchases:
        """What some customers bought of the items that the whole shop knows; `orders` as in `part`."""
        known = net_of_returns(orders.keep_items(self.items.known)).orders
        price = np.where(np.isnan(known.unit_price), np.float32(self.tables.mean_price), known.unit_price)
        known = replace(known, unit_price=price.astype(np.float32))
        nothing = known.lines(np.zeros(len(known), bool))
        return Purchases(
            split=TemporalSplit(self.cut, self.settings.evaluation.days, known, nothing, nothing),
            catalog=self.items.catalog,
            history=PurchaseHistory.at(known, self.cut),
            eligible=self.eligible,
            newcomers=self.newcomers,
        )

    def _with_customers(self, history: PurchaseHistory, factors: CustomerFactors) -> dict[str, Any]:
        wanted, own = self.settings.models, dict(self.models)
        for name in FACTORED:
            own[name] = replace(own[name], customer_factors=factors[name])
        if own["content"].newcomers.any():
            own["content"] = replace(own["content"], customer_factors=factors["als"])
        else:
            nobody = np.zeros((len(history.customers), 0), np.float32)
            own["content"] = replace(own["content"], customer_factors=nobody)
        taste = np.log1p(history.interactions(wanted.item_knn.half_life_days))
        own["item_knn"] = replace(own["item_knn"], taste=taste)
        for name in ("co_purchase", "co_purchase_recent", "buy_again"):
            lately = history.interactions(getattr(wanted, name).half_life_days)
            own[name] = replace(own[name], bought=lately)
        last = history.last_purchases(wanted.linear.half_life_days)
        own["linear"] = replace(own["linear"], bought=last)
        return own


@dataclass(frozen=True, slots=True)
class SharedWithFactors:
    """The item side of a moment, and where the customers' factors are.

    Attributes:
        shared: the item side.
        factors: columns `customer`, `block`, and an array by the name of each model in `FACTORED`.
    """

    shared: Shared
    factors: DataFrame


def learn_shared(
    orders: ShopOrders, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> SharedWithFactors:
    """Learn from all orders until a moment.

    The models are those of one machine but for `customer_knn`, which would need every customer beside every
    item (docs/adr/0015-spark.md).

    Args:
        orders: of the shop.
        catalog: what the shop says of its items, as it was known then.
        settings: of the models.
        cut: the moment, seconds since 1970 UTC.
        progress: hears of every step.

    Raises:
        DataError: there is no purchase to learn from.
    """
    with progress.step("Take off returns"):
        past = ItemsPast.at(orders, cut)
        items = KnownItems.at(orders, past, catalog, settings, cut)
        purchases = purchases_at(orders, items, cut)
        size = _size(purchases)
    vocabulary, wanted = items.catalog.items, settings.models
    with progress.step("Describe items"):
        tables = ItemTables.of(purchases, vocabulary, wanted.best_sellers, cut)
        newcomers = settings.new_items.among(items.catalog, past.digest, cut)
    weights = pair_weights(purchases, cut, _half_lives(settings)).persist()
    models, factors = _factored(weights, settings, len(vocabulary), progress)
    with progress.step("Learn item_knn and linear"):
        models |= _of_customers(weights, settings, len(vocabulary))
    with progress.step("Learn co_purchase"):
        models |= _of_orders(purchases, settings, len(vocabulary), size.orders)
    weights.unpersist()
    purchases.unpersist()
    models["best_sellers"] = BestSellersModel(tables.sold)
    models["buy_again"] = BuyAgainModel(_no_rows(len(vocabulary)))
    with progress.step("Learn content"):
        models["content"] = wanted.content.fit_to(
            tables.columns["item_buyers"].astype(np.int64),
            items.catalog,
            models["als"],
            newcomers=newcomers,
            days_on_sale=days_on_sale(tables.looked_at(vocabulary, oldest=True), items.catalog, cut),
        )
    shared = Shared(
        cut=cut,
        settings=settings,
        items=items,
        tables=tables,
        said=item_words(items.catalog),
        # In the order of the registry, which is that of the ranker's features.
        models={name: models[name] for name in FITTED if name in models},
        eligible=eligible_items(
            tables.looked_at(vocabulary),
            items.catalog,
            retired_after_days=settings.lists.retired_after_days,
            newcomers=newcomers,
        ),
        newcomers=newcomers,
        size=size,
    )
    return SharedWithFactors(shared, factors)


def _size(purchases: DataFrame) -> Size:
    customer = F.when(F.col("customer") != GUEST, F.col("customer"))
    found = purchases.agg(
        F.count("*").alias("lines"),
        F.countDistinct("order").alias("orders"),
        F.countDistinct(customer).alias("customers"),
    ).first()
    if found is None or not found["lines"]:
        raise DataError(
            "there is no purchase to learn from: all was sent back, or was put aside (see the findings)"
        )
    return Size(int(found["lines"]), int(found["orders"]), int(found["customers"]))


def _factored(
    weights: DataFrame, settings: Settings, n_items: int, progress: Progress
) -> tuple[dict[str, Any], DataFrame]:
    """ALS, twice: the models without customers, and all customers' factors."""
    models: dict[str, Any] = {}
    customers = weights.select("customer").distinct()
    for name in FACTORED:
        with progress.step(f"Learn {name}"):
            found = fit_als(_weighed(weights, name), getattr(settings.models, name), n_items)
            models[name] = found.model
            rows = found.customers.withColumnRenamed("features", name)
            customers = customers.join(rows, "customer", "left")
    block = F.floor(F.col("customer") / CUSTOMERS_A_BLOCK).cast("int")
    factors = customers.withColumn("block", block).persist()
    # Counted, so that it is there before what it comes from goes.
    factors.count()
    return models, factors


def factors_in(found: pl.DataFrame, first: int, n: int, shared: Shared) -> CustomerFactors:
    """Factors of `n` customers from position `first` on; zeros for who has none."""
    at = found.with_columns(pl.col("customer") - first)
    widths = {name: shared.models[name].item_factors.shape[1] for name in FACTORED}
    return {name: rows_of(at, "customer", n, width, name) for name, width in widths.items()}


def _half_lives(settings: Settings) -> dict[str, float]:
    wanted = settings.models
    return {name: getattr(wanted, name).half_life_days for name in (*FACTORED, "item_knn", "linear")}


def _weighed(weights: DataFrame, name: str) -> DataFrame:
    return weights.select("customer", "item", F.col(name).alias("weight"))


def _of_customers(weights: DataFrame, settings: Settings, n_items: int) -> dict[str, Any]:
    """The models that compare items by who bought them."""
    knn, linear = settings.models.item_knn, settings.models.linear
    taste, last = F.log1p("item_knn"), F.col("last_linear")
    rows = weights.select("customer", "item", taste.alias("taste"), last.alias("last"))
    mass = collected(
        rows.groupBy("item").agg(
            F.sum(F.col("taste") ** 2).alias("taste"), F.sum(F.col("last") ** 2).alias("last")
        )
    )
    squared = {name: _at(mass["item"], mass[name], n_items) for name in ("taste", "last")}
    pairs = products(rows, "customer", ("taste", "last")).persist()
    similar = strongest(pairs, "taste", knn.relates(np.sqrt(squared["taste"])), n=knn.n_neighbours)
    n_customers = weights.select("customer").distinct().count()
    weighed = _linear(pairs, squared["last"], linear, n_customers)
    pairs.unpersist()
    return {
        "item_knn": ItemKNNModel(similar, _no_rows(n_items)),
        "linear": LinearModel(weighed, _no_rows(n_items)),
    }


def _linear(pairs: DataFrame, squared: NDArray[np.float64], linear: Linear, n_customers: int) -> csr_array:
    """The weights of the linear model: of the products of the heaviest items, those kept."""
    top = heaviest(squared, linear.n_items)
    place = np.full(len(squared), -1, np.int64)
    place[top] = np.arange(len(top))
    known = pa.table({"item": top.astype(np.int32)})
    among = F.broadcast(pairs.sparkSession.createDataFrame(known))
    for name in ("anchor", "other"):
        pairs = pairs.join(among.withColumnRenamed("item", name), name)
    found = collected(pairs.select("anchor", "other", "last"))
    a, b = (place[found[name].to_numpy()] for name in ("anchor", "other"))
    products_of_top = np.diag(squared[top])
    products_of_top[a, b] = products_of_top[b, a] = found["last"].to_numpy()
    weights = weights_of_products(products_of_top, linear.pull(n_customers, len(top)))
    return linear.strongest(weights, top, len(squared))


def _of_orders(purchases: DataFrame, settings: Settings, n_items: int, n_orders: int) -> dict[str, Any]:
    """The models that compare items by what orders hold, guests' orders included."""
    one = purchases.where("counts").select("order", "item").distinct().withColumn("orders", F.lit(1))
    counted = collected(one.groupBy("item").agg(F.sum("orders").alias("orders")))
    orders_of = _at(counted["item"], counted["orders"], n_items).astype(np.float32)
    pairs = products(one, "order", ("orders",)).persist()
    models = {}
    for name in ("co_purchase", "co_purchase_recent"):
        wanted = getattr(settings.models, name)
        relation = strongest(
            pairs,
            "orders",
            wanted.relates(orders_of, n_orders),
            n=wanted.n_neighbours,
            min_together=wanted.min_together,
        )
        models[name] = CoPurchaseModel(relation, _no_rows(n_items))
    pairs.unpersist()
    return models


def _at(item: pl.Series, value: pl.Series, n_items: int) -> NDArray[np.float64]:
    """Values by item, shape (n_items,), 0 where there is none."""
    found = np.zeros(n_items)
    found[item.to_numpy()] = value.to_numpy()
    return found


def _no_rows(n_items: int) -> csr_array:
    """What no customer bought."""
    return csr_array((0, n_items), dtype=np.float32)
