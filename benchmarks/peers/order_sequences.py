"""Each customer's orders in the order in which they came: what next-basket methods look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory


@dataclass(frozen=True, slots=True)
class OrderSequences:
    """Where every purchase stands in its customer's sequence of orders.

    The first three have shape (n_purchases,).

    Attributes:
        customer: position of the customer.
        item: position of the item.
        place: the order's place in the sequence, 0 for the customer's oldest.
        n_orders: shape (n_customers,), length of each customer's sequence.
    """

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    place: NDArray[np.int64]
    n_orders: NDArray[np.int64]

    @classmethod
    def of(cls, history: PurchaseHistory) -> "OrderSequences":
        """Sequences of the known customers; orders of one moment by their ids."""
        known = history.customer >= 0
        customer, order, item = history.customer[known], history.order[known], history.item[known]
        age = history.age_days[known]
        oldest_first = np.lexsort((order, -age, customer))
        change = np.ones(len(oldest_first), bool)
        change[1:] = (np.diff(customer[oldest_first]) != 0) | (np.diff(order[oldest_first]) != 0)
        number = np.cumsum(change) - 1
        n_orders = np.bincount(customer[oldest_first][change], minlength=len(history.customers))
        first_number = np.cumsum(n_orders) - n_orders
        customer = customer[oldest_first]
        return cls(customer, item[oldest_first], number - first_number[customer], n_orders)
