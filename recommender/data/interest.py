"""What customers looked at and put into carts: less than a purchase, and more than nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.vocabulary import Vocabulary

VIEW, CART = 0, 1
"""Kinds of interest."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class InterestLog:
    """Views and carts of known customers, in any order.

    Attributes:
        customer: shape (n,) int32 positions in `customers`.
        item: shape (n,) int32 positions in `items`.
        kind: shape (n,) uint8, `VIEW` or `CART`.
        at: shape (n,) float64, seconds since 1970 UTC.
        customers: ids of the customers.
        items: ids of the items.
    """

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    kind: NDArray[np.uint8]
    at: NDArray[np.float64]
    customers: Vocabulary
    items: Vocabulary

    def __len__(self) -> int:
        return len(self.item)

    def until(self, now: float, customers: Vocabulary, items: Vocabulary) -> "Interest":
        """What was known at a moment, seen from then.

        Args:
            now: seconds since 1970 UTC; what came later is left out.
            customers: whose interest counts; others' is left out.
            items: in which it counts; other items are left out.
        """
        customer, item = (
            there.positions(here.ids)[position]
            for there, here, position in (
                (customers, self.customers, self.customer),
                (items, self.items, self.item),
            )
        )
        known = (self.at <= now) & (customer >= 0) & (item >= 0)
        age = ((now - self.at[known]) / _DAY).astype(np.float32)
        return Interest(customer[known], item[known], self.kind[known], age)


@dataclass(frozen=True, slots=True)
class Interest:
    """Views and carts in the terms of a `PurchaseHistory`; all of shape (n,).

    Attributes:
        customer: int32 positions of customers.
        item: int32 positions of items.
        kind: uint8, `VIEW` or `CART`.
        age_days: float32, days before the moment of looking, at least 0.
    """

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    kind: NDArray[np.uint8]
    age_days: NDArray[np.float32]

    def weights(
        self, shape: tuple[int, int], *, view: float, cart: float, half_life_days: float
    ) -> csr_array:
        """How much the interest of each customer in each item weighs, beside 1 for a purchase today.

        Args:
            shape: (n_customers, n_items).
            view: weight of a view today.
            cart: weight of having put the item into a cart today.
            half_life_days: one this old weighs half.

        Returns:
            Float32; at most 1 a place: whoever looks a hundred times has not bought yet.
        """
        weight = np.array([view, cart], np.float32)[self.kind]
        weight *= np.exp2(-self.age_days / np.float32(half_life_days))
        matrix = csr_array((weight, (self.customer, self.item)), shape=shape, dtype=np.float32)
        matrix.sum_duplicates()
        matrix.data = np.minimum(matrix.data, np.float32(1))
        matrix.eliminate_zeros()
        return matrix
