"""What customers bought until one moment: the input of every model."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.groups import Groups, of_equal_pairs, run_starts, sorted_by, ties
from recommender.data.interest import Interest
from recommender.data.orders import GUEST, OrderLog
from recommender.data.vocabulary import Vocabulary

DAY = 86_400


def recency_decay(age_days: NDArray[np.floating], half_life_days: float) -> NDArray[np.float32]:
    """Weight of a purchase that is `age_days` old: 1 today, ½ after one half-life."""
    return np.asarray(np.exp2(-age_days / half_life_days), np.float32)


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """Who bought what, in which order and how long ago; an item counts once an order and customer.

    Purchases stand in the order of their time, the oldest first.

    Attributes:
        order: shape (n,) int32, numbered from 0 in the order of their ids; guests' orders included.
        customer: shape (n,) int32 positions in `customers`, `GUEST` where unknown.
        item: shape (n,) int32 positions in `items`.
        age_days: shape (n,) float32, days before the moment of looking, at least 0.
        n_orders: number of orders.
        customers: labels of the customers; some may have bought nothing.
        items: labels of the items; some may never have been bought.
        interest: what customers looked at and put into carts until then; None where nobody kept it, and in
            the parts of a history.
    """

    order: NDArray[np.int32]
    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    age_days: NDArray[np.float32]
    n_orders: int
    customers: Vocabulary
    items: Vocabulary
    interest: Interest | None = None

    def __post_init__(self) -> None:
        if np.any(self.age_days[1:] > self.age_days[:-1]):
            raise ValueError("a history must be sorted by time, oldest purchase first")

    @classmethod
    def at(cls, orders: OrderLog, now: int) -> "PurchaseHistory":
        """The purchases among `orders` (returns already taken off), seen at `now`.

        Args:
            orders: lines that are not purchases are ignored.
            now: seconds since 1970 UTC, not before the newest line.

        Raises:
            ValueError: a line is newer than `now`; it would leak the future into a model.
        """
        bought = orders.purchases()
        if len(bought) and bought.last_time > now:
            raise ValueError("the history holds orders from after the moment it is looked at")
        bought = bought.lines(_once_a_purchase(bought))
        order, n_orders = _renumbered(bought.order)
        age = np.empty(len(bought), np.float32)
        np.divide(now - bought.ordered_at, DAY, out=age, dtype=np.float64, casting="same_kind")
        log, labels = orders.interest, (bought.customers, bought.items)
        interest = None if log is None else log.until(now, *labels)
        return cls(order, bought.customer, bought.item, age, n_orders, *labels, interest)

    def before(self, days: float) -> "PurchaseHistory":
        """What was known so many days ago, seen from then."""
        known = self._lines(self.age_days >= days)
        return replace(known, age_days=known.age_days - np.float32(days))

    def since(self, days: float) -> "PurchaseHistory":
        """What was bought in the last so many days; with `before` it is the whole history."""
        return self._lines(self.age_days < days)

    def _lines(self, chosen: NDArray[np.bool_]) -> "PurchaseHistory":
        order, n_orders = _renumbered(self.order[chosen])
        return replace(
            self,
            order=order,
            customer=self.customer[chosen],
            item=self.item[chosen],
            age_days=self.age_days[chosen],
            n_orders=n_orders,
            interest=None,
        )

    def interactions(self, half_life_days: float) -> csr_array:
        """How much each customer's purchases of each item weigh today.

        Returns:
            Shape (n_customers, n_items) float32: purchases summed with `recency_decay`, guests left out.
        """
        known = self.customer != GUEST
        weight = recency_decay(self.age_days[known], half_life_days)
        shape = (len(self.customers), len(self.items))
        return _summed(weight, self.customer[known], self.item[known], shape)

    def last_purchases(self, half_life_days: float) -> csr_array:
        """How much each customer's last purchase of each item weighs today, however many came before it.

        Returns:
            Shape (n_customers, n_items) float32, `recency_decay` of its age, guests left out.
        """
        known = np.flatnonzero(self.customer != GUEST)
        pair = self.customer[known].astype(np.int64) * len(self.items) + self.item[known]
        shape = (len(self.customers), len(self.items))
        if not len(pair):
            return csr_array(shape, dtype=np.float32)
        groups = Groups.of(pair)
        newest = np.minimum.reduceat(self.age_days[known[groups.lines]], groups.starts)
        at = np.divmod(pair[groups.first], len(self.items))
        return csr_array((recency_decay(newest, half_life_days), at), shape=shape)

    def buyers_of_items(self) -> NDArray[np.int64]:
        """How many different customers bought each item, shape (n_items,); guests left out."""
        known = self.customer != GUEST
        pair = self.item[known].astype(np.int64) * len(self.customers) + self.customer[known]
        pair.sort()
        item = pair[run_starts(pair)] // max(len(self.customers), 1)
        return np.bincount(item, minlength=len(self.items))

    def baskets(self) -> csr_array:
        """What stood together in each order, guests included.

        Returns:
            Shape (n_orders, n_items) float32: 1 where the order holds the item.
        """
        ones = np.ones(len(self.item), np.float32)
        baskets = _summed(ones, self.order, self.item, (self.n_orders, len(self.items)))
        # An order that names several customers can hold an item once for each of them.
        baskets.data[:] = 1
        return baskets


def _once_a_purchase(bought: OrderLog) -> NDArray[np.bool_]:
    """Whether a line is the first of its order, item and customer, shape (n_lines,).

    Two lines of one item in one order are one purchase, so the first one stands for both.
    """
    first = np.ones(len(bought), bool)
    line = of_equal_pairs(bought.order, bought.item)
    line = line[sorted_by(bought.order[line], bought.item[line], bought.customer[line])]
    tied, group = ties(bought.order[line], bought.item[line], bought.customer[line])
    first[line[tied]] = False
    first[line[tied[run_starts(group)]]] = True
    return first


def _renumbered(order: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Orders numbered from 0 without gaps, in their old order, and how many there are."""
    there = np.zeros(int(order.max(initial=-1)) + 1, bool)
    there[order] = True
    number = np.cumsum(there, dtype=np.int32)
    number -= 1
    return number[order], int(np.count_nonzero(there))


def _summed(
    weight: NDArray[np.float32], row: NDArray[np.int32], column: NDArray[np.int32], shape: tuple[int, int]
) -> csr_array:
    # Made from triplets, a matrix adds up entries of the same place: the sum that is wanted here.
    matrix = csr_array((weight, (row, column)), shape=shape, dtype=np.float32)
    matrix.sum_duplicates()
    return matrix
