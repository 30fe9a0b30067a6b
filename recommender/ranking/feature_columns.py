"""How a customer buys an item, how an item sells, and how a customer buys: the columns of the features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory, recency_decay
from recommender.data.orders import GUEST, OrderLog

Columns = Mapping[str, NDArray[np.float32]]
"""Name of a feature → its value for every pair, item or customer."""

PAIR_HALF_LIVES = (20.0, 60.0, 180.0)
ITEM_HALF_LIVES = (7.0, 20.0, 60.0, 180.0)
FIRST_TIME_HALF_LIVES = (7.0, 28.0, 90.0)
CUSTOMER_HALF_LIVES = (30.0, 120.0)
ORDERS_HALF_LIFE = 3.0
"""Orders of the customer after which a purchase counts half: age by the customer's own clock."""
LAST_ORDERS = 5

_YEAR_AGO = (337.0, 365.0)
"""Ages, in days, of the four weeks of last year that the coming four weeks resemble."""
_AROUND_YEAR_AGO = (281.0, 393.0)
_LOWEST_PRICE = 0.01


@dataclass(frozen=True, slots=True)
class _Purchases:
    """Known customers' purchases, sorted by pair of customer and item, the oldest first.

    Attributes:
        key: shape (n,) int64, customer · n_items + item.
        age: shape (n,) days.
        orders_ago: shape (n,) orders that the customer placed after this one.
        start: shape (n_pairs,) where each pair begins.
        times: shape (n_pairs,) purchases of each pair.
    """

    key: NDArray[np.int64]
    age: NDArray[np.float32]
    orders_ago: NDArray[np.int64]
    start: NDArray[np.intp]
    times: NDArray[np.intp]

    @classmethod
    def of(cls, history: PurchaseHistory) -> "_Purchases":
        """Those of a history."""
        known = history.customer != GUEST
        key = pair_key(history.customer[known], history.item[known], len(history.items))
        age, ago = history.age_days[known], _orders_ago(history)[known]
        oldest_first = np.lexsort((-age, key))
        key = key[oldest_first]
        _, start, times = np.unique(key, return_index=True, return_counts=True)
        return cls(key, age[oldest_first], ago[oldest_first], start, times)

    def added(self, weight: NDArray[np.floating]) -> NDArray[np.floating]:
        """A weight of each purchase summed over its pair, shape (n_pairs,)."""
        return np.add.reduceat(weight, self.start) if len(self.start) else np.zeros(0)


def pair_key(customer: NDArray[np.integer], item: NDArray[np.integer], n_items: int) -> NDArray[np.int64]:
    """A customer and an item as one number that sorts by customer, then item."""
    return customer.astype(np.int64) * n_items + item


def pair_columns(orders: OrderLog, history: PurchaseHistory) -> tuple[NDArray[np.int64], Columns]:
    """What each customer's purchases of each item look like.

    Args:
        orders: purchases, returns taken off.
        history: the same purchases, seen at a moment.

    Returns:
        The pairs that were bought, by `pair_key`, rising; and their columns, shape (n_pairs,), NaN where
        a value makes no sense, such as the gap between purchases after the first one.
    """
    bought = _Purchases.of(history)
    pairs, start, times = bought.key[bought.start], bought.start, bought.times
    last_at = start + times - 1
    first, last = bought.age[start], bought.age[last_at]
    gap = (first - last) / np.where(times > 1, times - 1, np.nan)
    last_gap = np.where(times > 1, bought.age[np.maximum(last_at - 1, 0)] - last, np.nan)
    at_least_a_day = np.maximum(gap, 1)
    columns = {
        "times": times,
        **{f"faded_{half:g}": bought.added(recency_decay(bought.age, half)) for half in PAIR_HALF_LIVES},
        "faded_by_orders": bought.added(np.exp2(-bought.orders_ago / ORDERS_HALF_LIFE)),
        "in_last_orders": bought.added((bought.orders_ago < LAST_ORDERS).astype(np.float32)),
        "orders_ago": bought.orders_ago[last_at],
        "days_since_last": last,
        "days_since_first": first,
        "per_day": times / np.maximum(first, 1),
        "gap": gap,
        "gap_spread": _gap_deviation(bought, gap) / at_least_a_day,
        "last_gap": last_gap,
        "overdue": last / at_least_a_day,
        **_pair_quantities(orders, pairs),
    }
    return pairs, _float32(columns)


def item_columns(orders: OrderLog, history: PurchaseHistory) -> Columns:
    """How each item sells, shape (n_items,); arguments as of `pair_columns`."""
    n, item, age = len(history.items), history.item, history.age_days
    faded = {f"item_faded_{half:g}": _sum_by(item, recency_decay(age, half), n) for half in ITEM_HALF_LIVES}
    youngest, oldest = _extremes(item, age, n)
    per_customer = history.interactions(half_life_days=np.inf)
    buyers = np.bincount(per_customer.indices, minlength=n)
    re_buyers = _sum_by(per_customer.indices, per_customer.data > 1, n)
    a_year_ago = _sum_by(item, _between(age, *_YEAR_AGO), n)
    around_a_year_ago = _sum_by(item, _between(age, *_AROUND_YEAR_AGO), n)
    log_price, quantity = _log_price(orders), np.log1p(orders.quantity)
    return _float32(
        {
            "item_orders": _sum_by(item, np.ones(len(item)), n),
            **faded,
            **_first_times(history),
            "item_last_28_days": _sum_by(item, age <= 28, n),
            "item_days_since_sold": youngest,
            "item_age": oldest,
            "item_buyers": buyers,
            "item_orders_per_buyer": _sum_by(item, np.ones(len(item)), n) / np.maximum(buyers, 1),
            # Shrunken towards one in ten: one loyal buyer does not make an item that is bought again.
            "item_bought_again": (re_buyers + 1) / (buyers + 10),
            "item_trend": faded["item_faded_7"] / (faded["item_faded_60"] + 1e-3),
            "item_season": (a_year_ago + 1) / (around_a_year_ago + 4),
            "item_price": _mean_by(orders.item, log_price, n),
            "item_quantity": _mean_by(orders.item, quantity, n),
        }
    )


def customer_columns(orders: OrderLog, history: PurchaseHistory) -> Columns:
    """How each customer buys, shape (n_customers,); arguments as of `pair_columns`."""
    n, known = len(history.customers), history.customer != GUEST
    order, line = np.unique(history.order[known], return_index=True)
    customer, age = history.customer[known][line], history.age_days[known][line]
    size = np.bincount(history.order, minlength=history.n_orders)[order]
    placed = np.bincount(customer, minlength=n)
    last, first = _extremes(customer, age, n)
    lines = np.bincount(history.customer[known], minlength=n)
    distinct = np.diff(history.interactions(half_life_days=np.inf).indptr)
    identified = orders.customer != GUEST
    buyer, log_price = orders.customer[identified], _log_price(orders)[identified]
    price = _mean_by(buyer, log_price, n)
    faded = {
        f"orders_faded_{half:g}": _sum_by(customer, recency_decay(age, half), n)
        for half in CUSTOMER_HALF_LIVES
    }
    return _float32(
        {
            "orders": placed,
            **faded,
            "days_since_order": last,
            "days_since_first_order": first,
            "days_between_orders": (first - last) / np.maximum(placed - 1, 1),
            "basket_size": _sum_by(customer, size, n) / np.maximum(placed, 1),
            "distinct_items": distinct,
            "share_of_new": distinct / np.maximum(lines, 1),
            "usual_price": price,
            "price_spread": np.sqrt(np.maximum(_mean_by(buyer, log_price**2, n) - price**2, 0)),
            "usual_quantity": _mean_by(buyer, np.log1p(orders.quantity[identified]), n),
        }
    )


def _orders_ago(history: PurchaseHistory) -> NDArray[np.int64]:
    """For each purchase how many orders its customer has placed after it, shape (n,); guests count as one."""
    customer, age = np.full(history.n_orders, GUEST), np.zeros(history.n_orders, np.float32)
    customer[history.order], age[history.order] = history.customer, history.age_days
    # Of two orders of one moment the one of the higher id came later.
    newest_first = np.lexsort((-np.arange(history.n_orders), age, customer))
    begins = np.searchsorted(customer[newest_first], customer[newest_first])
    place = np.empty(history.n_orders, np.int64)
    place[newest_first] = np.arange(history.n_orders) - begins
    return place[history.order]


def _gap_deviation(bought: _Purchases, mean_gap: NDArray[np.floating]) -> NDArray[np.floating]:
    """Standard deviation of the days between purchases; NaN where there are fewer than two gaps."""
    gap = np.zeros(len(bought.age))
    gap[:-1] = bought.age[:-1] - bought.age[1:]
    gap[bought.start + bought.times - 1] = 0  # from the last purchase on there is no gap yet
    square = bought.added(gap**2)
    variance = square / np.where(bought.times > 2, bought.times - 1, np.nan) - mean_gap**2
    return np.sqrt(np.maximum(variance, 0))


def _pair_quantities(orders: OrderLog, pairs: NDArray[np.int64]) -> dict[str, NDArray[np.floating]]:
    """Units bought at a time, as logarithms: on average and the last time."""
    known = np.flatnonzero(orders.customer != GUEST)
    at = np.searchsorted(pairs, pair_key(orders.customer[known], orders.item[known], len(orders.items)))
    units = np.log1p(orders.quantity[known])
    last = np.zeros(len(pairs))
    last[at] = units  # lines are sorted by time, and the last one written stays
    return {"quantity": _mean_by(at, units, len(pairs)), "last_quantity": last}


def _first_times(history: PurchaseHistory) -> dict[str, NDArray[np.float64]]:
    """How often an item was lately bought by customers who had never bought it before."""
    bought, n = _Purchases.of(history), len(history.items)
    item, age = bought.key[bought.start] % n, bought.age[bought.start]
    first = {
        f"item_first_times_{half:g}": _sum_by(item, recency_decay(age, half), n)
        for half in FIRST_TIME_HALF_LIVES
    }
    every = _sum_by(bought.key % n, recency_decay(bought.age, 28), n)
    return first | {"item_first_time_share": (first["item_first_times_28"] + 0.5) / (every + 1)}


def _extremes(
    group: NDArray[np.integer], age: NDArray[np.float32], n: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest and largest age of each group, shape (n,); NaN for a group without any."""
    youngest, oldest = np.full(n, np.inf, np.float32), np.full(n, -np.inf, np.float32)
    np.minimum.at(youngest, group, age)
    np.maximum.at(oldest, group, age)
    nothing = np.isinf(youngest)
    youngest[nothing] = oldest[nothing] = np.nan
    return youngest, oldest


def _between(age: NDArray[np.floating], low: float, high: float) -> NDArray[np.bool_]:
    return (age >= low) & (age <= high)


def _log_price(orders: OrderLog) -> NDArray[np.float64]:
    """Logarithm of each line's unit price, the shop's mean where it is not known."""
    price = np.log(np.maximum(orders.unit_price.astype(np.float64), _LOWEST_PRICE))
    known = ~np.isnan(price)
    return np.where(known, price, price[known].mean() if known.any() else 0.0)


def _sum_by(group: NDArray[np.integer], weight: NDArray[np.generic], n: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(group, weights=weight.astype(np.float64), minlength=n), np.float64)


def _mean_by(group: NDArray[np.integer], value: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Mean of each group, 0 for an empty one."""
    return _sum_by(group, value, n) / np.maximum(np.bincount(group, minlength=n), 1)


def _float32(columns: Mapping[str, NDArray[np.generic]]) -> Columns:
    return {name: column.astype(np.float32) for name, column in columns.items()}
