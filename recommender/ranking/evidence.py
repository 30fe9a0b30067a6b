"""What stands behind pairs of items, in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the items of lists, beside the places of a list table; all of shape (n,).

    Attributes:
        orders: int32, orders that hold the anchor and the item (the support of the pair).
        customers: int32, different buyers of both in one order, as `buyers_of_orders` tells them apart.
        lift: float32, `orders` ÷ what chance would give: 1 for no relation, 3 for three times as often.
        lift_low: float32, lower end of its 95 % interval; a pair for which this exceeds 1 is hardly chance.
    """

    orders: NDArray[np.int32]
    customers: NDArray[np.int32]
    lift: NDArray[np.float32]
    lift_low: NDArray[np.float32]

    def __post_init__(self) -> None:
        columns = (self.orders, self.customers, self.lift, self.lift_low)
        if len({len(column) for column in columns}) != 1:
            raise ValueError("the columns of evidence must be equally long")

    def __len__(self) -> int:
        return len(self.orders)

    def part(self, at: slice) -> "Evidence":
        """That of these places."""
        return Evidence(self.orders[at], self.customers[at], self.lift[at], self.lift_low[at])
