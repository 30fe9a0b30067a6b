"""Local best sellers: what sells most in the place where a guest is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.groups import Groups, run_starts
from recommender.data.history import DAY, recency_decay
from recommender.data.orders import GUEST, OrderLog
from recommender.data.places import NOWHERE, Places
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class LocalBestSellers:
    """Items in most of a place's orders, recent orders counting more.

    Every place starts with some orders of the whole shop's, so that one with few orders of its own lists
    the shop's best sellers, and one with many its own (a Dirichlet prior).

    Attributes:
        half_life_days: an order this old counts half.
        pseudo_orders: orders of the whole shop's that every place starts with.
        fewest_orders: a place with fewer orders has no list: its taste is not known.
        fewest_customers: what fewer customers bought in a place does not count there, so that no list tells
            what one of them bought; an order that names nobody counts as a customer of its own.
    """

    half_life_days: float = 14.0
    pseudo_orders: float = 20.0
    fewest_orders: int = 20
    fewest_customers: int = 2

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days)
        require_at_least(0, pseudo_orders=self.pseudo_orders)
        require_at_least(1, fewest_orders=self.fewest_orders)
        require_at_least(2, fewest_customers=self.fewest_customers)

    def fit(self, orders: OrderLog, places: Places, now: int) -> "LocalBestSellersModel":
        """Count each place's orders of each item, faded by age.

        Args:
            orders: purchases, returns already taken off; guests' count.
            places: of the orders.
            now: seconds since 1970 UTC, not before the newest line.
        """
        # Most shops say nothing of places; then millions of lines need not be looked at.
        if not places.names:
            return LocalBestSellersModel.of_nowhere(len(orders.items))
        bought = _Purchases.of(orders, now, self.half_life_days)
        order, item, weight = bought.order, bought.item, bought.weight
        whole = np.bincount(item, weights=weight, minlength=len(orders.items))
        n_orders = _faded_orders(order, weight)
        share = whole / n_orders if n_orders else whole
        placed = places.of_order[order[run_starts(order)]]
        listed = np.bincount(placed[placed != NOWHERE], minlength=len(places.names)) >= self.fewest_orders
        row_of = np.append(np.where(listed, np.cumsum(listed) - 1, -1), -1)  # NOWHERE looks at the last
        row = row_of[places.of_order[order]]
        counted = (row >= 0) & (_buyers(row, bought) >= self.fewest_customers)
        shape = (int(listed.sum()), len(orders.items))
        return LocalBestSellersModel(
            names=tuple(places.names[place] for place in np.flatnonzero(listed)),
            local=csr_array((weight[counted], (row[counted], item[counted])), shape=shape),
            prior=(self.pseudo_orders * share).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class LocalBestSellersModel:
    """Fitted popularity by place: an item's is what stands in `local` and what stands in `prior` together.

    Attributes:
        names: of the places with a list.
        local: shape (n_places, n_items) float32, the place's orders that held the item, faded by age.
        prior: shape (n_items,) float32, the orders that every place starts with.
    """

    names: tuple[str, ...]
    local: csr_array
    prior: NDArray[np.float32]

    @classmethod
    def of_nowhere(cls, n_items: int) -> "LocalBestSellersModel":
        """That of a shop which says nothing of places: none has a list, and the prior is nobody's."""
        return cls((), csr_array((0, n_items), dtype=np.float32), np.zeros(n_items, np.float32))


@dataclass(frozen=True, slots=True)
class _Purchases:
    """Purchases; two lines of an item in one order are one. All of shape (n,).

    Attributes:
        order: position of the order.
        item: position of the item.
        buyer: number of whoever bought it; of an order that names nobody, a number of its own.
        weight: what it counts today.
    """

    order: NDArray[np.int32]
    item: NDArray[np.int32]
    buyer: NDArray[np.int64]
    weight: NDArray[np.float32]

    @classmethod
    def of(cls, orders: OrderLog, now: int, half_life_days: float) -> "_Purchases":
        """The purchases of a log, seen at `now` (seconds since 1970 UTC)."""
        bought = orders.purchases()
        key = bought.order.astype(np.int64) * len(bought.items) + bought.item
        first = Groups.of(key).first
        order, customer = bought.order[first], bought.customer[first]
        buyer = np.where(customer == GUEST, len(bought.customers) + order.astype(np.int64), customer)
        age_days = (now - bought.ordered_at[first]) / DAY
        return cls(order, bought.item[first], buyer, recency_decay(age_days, half_life_days))


def _buyers(row: NDArray[np.intp], bought: _Purchases) -> NDArray[np.intp]:
    """How many different buyers the item of each purchase has in its place, shape (n,)."""
    n_items, n_buyers = int(bought.item.max(initial=0)) + 1, int(bought.buyer.max(initial=0)) + 1
    pair = Groups.of((row + 1) * n_items + bought.item).group_of_line()
    of_buyers = pair[Groups.of(pair * n_buyers + bought.buyer).first]
    return np.bincount(of_buyers, minlength=int(pair.max(initial=0)) + 1)[pair]


def _faded_orders(order: NDArray[np.int32], weight: NDArray[np.float32]) -> float:
    """Orders, faded by age; lines of one order follow each other."""
    return float(weight[run_starts(order)].sum())
