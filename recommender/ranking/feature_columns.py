"""How a customer buys an item, how an item sells, and how a customer buys: the columns of the features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory, recency_decay
from recommender.data.orders import GUEST, OrderLog
from recommender.ranking.paired_lines import PairedLines

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

_BLOCK = 1 << 18
"""Lines that are added up at a time."""

_Weigh = Callable[[NDArray[Any]], NDArray[Any]]


PAIR_FEATURES = (
    "times",
    *(f"faded_{half:g}" for half in PAIR_HALF_LIVES),
    "faded_by_orders",
    "in_last_orders",
    "orders_ago",
    "days_since_last",
    "days_since_first",
    "per_day",
    "gap",
    "gap_spread",
    "last_gap",
    "overdue",
    "quantity",
    "last_quantity",
)
"""What `pair_columns` says of a customer and an item, in this order."""


def pair_columns(purchases: PairedLines, units: PairedLines) -> Columns:
    """What customers' purchases of items look like.

    Args:
        purchases: see `purchases_by_pair`; one at least.
        units: the same purchases, see `units_by_pair`.

    Returns:
        The `PAIR_FEATURES`, shape (n_pairs,), in the order of the purchases; NaN where a value makes no
        sense, such as the gap between purchases after the first one.
    """
    start, age, orders_ago = (
        purchases.pair_starts(),
        purchases.columns["age"],
        purchases.columns["orders_ago"],
    )
    times, gap = times_and_gaps(age, start)
    last_at = start + times - 1
    first, last = age[start], age[last_at]
    last_gap = np.where(times > 1, age[np.maximum(last_at - 1, 0)] - last, np.nan)
    at_least_a_day = np.maximum(gap, 1)
    columns = (
        times,
        *(np.add.reduceat(recency_decay(age, half), start) for half in PAIR_HALF_LIVES),
        np.add.reduceat(np.exp2(-orders_ago / ORDERS_HALF_LIFE), start),
        np.add.reduceat((orders_ago < LAST_ORDERS).astype(np.float32), start),
        orders_ago[last_at],
        last,
        first,
        times / np.maximum(first, 1),
        gap,
        _gap_deviation(age, start, times, gap) / at_least_a_day,
        last_gap,
        last / at_least_a_day,
        *_pair_quantities(units),
    )
    return _float32(dict(zip(PAIR_FEATURES, columns, strict=True)))


def times_and_gaps(
    age: NDArray[np.float32], start: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Purchases of each pair, and the mean of the days between them, NaN for a single one; shape (n_pairs,).

    Args:
        age: shape (n,) days, of purchases by pair, the oldest first.
        start: shape (n_pairs,), where each pair begins.
    """
    times = np.diff(start, append=len(age))
    between = age[start] - age[start + times - 1]
    return times, between / np.where(times > 1, times - 1, np.nan)


def item_columns(orders: OrderLog, history: PurchaseHistory, purchases: PairedLines) -> Columns:
    """How each item sells, shape (n_items,).

    Args:
        orders: purchases, returns taken off.
        history: the same purchases, seen at a moment.
        purchases: the same, see `purchases_by_pair`.
    """
    n, item, age = len(history.items), _Sums(history.item, len(history.items)), history.age_days
    faded = {f"item_faded_{half:g}": item.sums(age, _fading(half)) for half in ITEM_HALF_LIVES}
    youngest, oldest = _extremes(history.item, age, n)
    a_year_ago = item.sums(age, partial(_between, *_YEAR_AGO))
    around_a_year_ago = item.sums(age, partial(_between, *_AROUND_YEAR_AGO))
    last_28_days, sold = item.sums(age, partial(_between, 0, 28)), item.sizes()
    line, log_price = _Sums(orders.item, n), _log_prices(orders)
    start = purchases.pair_starts()
    bought = _Sums(purchases.item[start], n)
    buyers = bought.sizes()
    re_buyers = bought.sums(np.diff(start, append=len(purchases.item)), lambda times: times > 1)
    return _float32(
        {
            "item_orders": sold,
            **faded,
            **_first_times(purchases, start, n),
            "item_last_28_days": last_28_days,
            "item_days_since_sold": youngest,
            "item_age": oldest,
            "item_buyers": buyers,
            "item_orders_per_buyer": sold / np.maximum(buyers, 1),
            # Shrunken towards one in ten: one loyal buyer does not make an item that is bought again.
            "item_bought_again": (re_buyers + 1) / (buyers + 10),
            "item_trend": faded["item_faded_7"] / (faded["item_faded_60"] + 1e-3),
            "item_season": (a_year_ago + 1) / (around_a_year_ago + 4),
            "item_price": line.means(orders.unit_price, log_price),
            "item_quantity": line.means(orders.quantity, np.log1p),
        }
    )


def customer_columns(orders: OrderLog, history: PurchaseHistory, purchases: PairedLines) -> Columns:
    """How each customer buys, shape (n_customers,); arguments as of `item_columns`."""
    n, lines = len(history.customers), np.diff(purchases.starts)
    order, line = _first_lines(history)
    of_orders, age = _Sums(history.customer[line], n), history.age_days[line]
    size, placed = np.bincount(history.order, minlength=history.n_orders)[order], of_orders.sizes()
    oldest_first = np.sort(line)
    last, first = _extremes(history.customer[oldest_first], history.age_days[oldest_first], n)
    distinct = np.diff(np.searchsorted(purchases.pair_starts(), purchases.starts))
    faded = {f"orders_faded_{half:g}": of_orders.sums(age, _fading(half)) for half in CUSTOMER_HALF_LIVES}
    # Guests are counted with the others, and their place before the first customer is then left out.
    buyer, log_price = _Sums(orders.customer - GUEST, n + 1), _log_prices(orders)
    price = buyer.means(orders.unit_price, log_price)[1:]
    square = buyer.means(orders.unit_price, lambda price: log_price(price) ** 2)[1:]
    return _float32(
        {
            "orders": placed,
            **faded,
            "days_since_order": last,
            "days_since_first_order": first,
            "days_between_orders": (first - last) / np.maximum(placed - 1, 1),
            "basket_size": of_orders.sums(size, np.asarray) / np.maximum(placed, 1),
            "distinct_items": distinct,
            "share_of_new": distinct / np.maximum(lines, 1),
            "usual_price": price,
            "price_spread": np.sqrt(np.maximum(square - price**2, 0)),
            "usual_quantity": buyer.means(orders.quantity, np.log1p)[1:],
        }
    )


def _first_lines(history: PurchaseHistory) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The orders of known customers, rising, and the first such line of each."""
    known = np.flatnonzero(history.customer != GUEST)[::-1]
    line = np.full(history.n_orders, -1)
    line[history.order[known]] = known  # of several lines of one order the last one written stays
    order = np.flatnonzero(line >= 0)
    return order, line[order]


def _gap_deviation(
    age: NDArray[np.float32], start: NDArray[np.intp], times: NDArray[np.intp], mean_gap: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Standard deviation of the days between purchases; NaN where there are fewer than two gaps."""
    gap = np.zeros(len(age))
    gap[:-1] = age[:-1] - age[1:]
    gap[start + times - 1] = 0  # from the last purchase on there is no gap yet
    square = np.add.reduceat(gap**2, start)
    variance = square / np.where(times > 2, times - 1, np.nan) - mean_gap**2
    return np.sqrt(np.maximum(variance, 0))


def _pair_quantities(lines: PairedLines) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Units bought at a time, as logarithms: on average and the last time."""
    start, units = lines.pair_starts(), lines.columns["units"]
    times = np.diff(start, append=len(units))
    pair = _Sums(np.repeat(np.arange(len(start)), times), len(start))
    return pair.means(units, np.asarray), units[start + times - 1]


def _first_times(purchases: PairedLines, start: NDArray[np.intp], n: int) -> dict[str, NDArray[np.float64]]:
    """How often an item was lately bought by customers who had never bought it before."""
    of_pairs, age = _Sums(purchases.item[start], n), purchases.columns["age"]
    first = {
        f"item_first_times_{half:g}": of_pairs.sums(age[start], _fading(half))
        for half in FIRST_TIME_HALF_LIVES
    }
    every = _Sums(purchases.item, n).sums(age, _fading(28))
    return first | {"item_first_time_share": (first["item_first_times_28"] + 0.5) / (every + 1)}


def _extremes(
    group: NDArray[np.integer], age: NDArray[np.float32], n: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest and largest age of each group, shape (n,), of lines that come oldest first; NaN for none."""
    youngest, oldest = np.full(n, np.nan, np.float32), np.full(n, np.nan, np.float32)
    # Of several lines of one group the last one written stays.
    youngest[group], oldest[group[::-1]] = age, age[::-1]
    return youngest, oldest


def _fading(half_life_days: float) -> _Weigh:
    return partial(recency_decay, half_life_days=half_life_days)


def _between(low: float, high: float, age: NDArray[np.floating]) -> NDArray[np.bool_]:
    return (age >= low) & (age <= high)


def _log_prices(orders: OrderLog) -> _Weigh:
    """What gives the logarithm of unit prices, for one that is not known the shop's mean."""
    price = orders.unit_price
    known = price[~np.isnan(price)]
    # Where all are known the mean, which takes all at once, is not needed.
    mean = _log_price(0.0, known).mean() if 0 < len(known) < len(price) else 0.0
    return partial(_log_price, mean)


def _log_price(unknown: float, price: NDArray[np.float32]) -> NDArray[np.float64]:
    log = np.log(np.maximum(price.astype(np.float64), _LOWEST_PRICE))
    return np.where(np.isnan(log), unknown, log)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Lines by customer, item or pair, to be added up.

    In the order of the lines, and in blocks: an array of all lines takes longer to get from the system
    than what is done with it.

    Attributes:
        of_line: shape (n,), the group of each line.
        n: number of groups.
    """

    of_line: NDArray[np.integer]
    n: int

    def sizes(self) -> NDArray[np.int64]:
        """Lines of each group, shape (n_groups,)."""
        sizes = np.zeros(self.n, np.int64)
        for block in self._blocks():
            sizes += np.bincount(self.of_line[block], minlength=self.n)
        return sizes

    def sums(self, column: NDArray[Any], weigh: _Weigh) -> NDArray[np.float64]:
        """What the lines of each group weigh, shape (n_groups,).

        Args:
            column: shape (n,), what is weighed.
            weigh: some of the column → its weight.
        """
        sums = np.zeros(self.n)
        for block in self._blocks():
            weight = weigh(column[block]).astype(np.float64, copy=False)
            np.add.at(sums, self.of_line[block].astype(np.intp, copy=False), weight)
        return sums

    def means(self, column: NDArray[Any], weigh: _Weigh) -> NDArray[np.float64]:
        """What a line of each group weighs, shape (n_groups,), 0 for an empty one; arguments as of `sums`."""
        return np.asarray(self.sums(column, weigh) / np.maximum(self.sizes(), 1), np.float64)

    def _blocks(self) -> list[slice]:
        return [slice(start, start + _BLOCK) for start in range(0, len(self.of_line), _BLOCK)]


def _float32(columns: Mapping[str, NDArray[np.generic]]) -> Columns:
    return {name: column.astype(np.float32) for name, column in columns.items()}
