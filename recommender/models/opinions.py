"""What a model thinks of every item for every customer, in the form that it is worked out from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.related_kernels import added_up


@dataclass(frozen=True, slots=True)
class Factored:
    """An opinion that is a product of numbers of the customer and numbers of the item.

    Attributes:
        customers: shape (n_customers, n_factors) float32.
        items: shape (n_items, n_factors) float32.
    """

    customers: NDArray[np.float32]
    items: NDArray[np.float32]

    def factors_of(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """Numbers of some customers, shape (n, n_factors)."""
        return self.customers[customers]

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Opinion`."""
        return self.customers[customers] @ self.items.T


@dataclass(frozen=True, slots=True)
class Common:
    """An opinion that is the same for every customer.

    Attributes:
        of_items: shape (n_items,) float32.
    """

    of_items: NDArray[np.float32]

    @property
    def items(self) -> NDArray[np.float32]:
        """The same as one number an item, shape (n_items, 1)."""
        return self.of_items[:, None]

    def factors_of(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """The number that goes with it, 1 for every customer, shape (n, 1)."""
        return np.ones((len(customers), 1), np.float32)

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Opinion`."""
        return np.broadcast_to(self.of_items, (len(customers), len(self.of_items)))


@dataclass(frozen=True, slots=True)
class Related:
    """An opinion that is added up from what the customer bought.

    Attributes:
        purchases: shape (n_customers, n_items) float32, what each customer bought as the model weighs it.
        relation: shape (n_items, n_items) float32, row = item bought, column = item to show for it; None
            where an item speaks for itself alone.
    """

    purchases: csr_array
    relation: csr_array | None = None

    def of(self, customers: NDArray[np.int32]) -> csr_array:
        """What may not be 0 of it for some customers, shape (n, n_items)."""
        bought = self.purchases[customers]
        return bought if self.relation is None else _added_up(bought, self.relation)

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """See `Opinion`."""
        return np.asarray(self.of(customers).toarray(), np.float32)


def _added_up(bought: csr_array, relation: csr_array) -> csr_array:
    """The product of both, in one pass where scipy takes two."""
    relations = np.diff(relation.indptr)
    most, shape = int(relations[bought.indices].sum()), (bought.shape[0], relation.shape[1])
    starts, columns = np.empty(shape[0] + 1, np.int32), np.empty(most, np.int32)
    sums = np.empty(most, np.float32)
    added_up(
        bought.indptr, bought.indices, bought.data, relation.indptr, relation.indices, relation.data,
        shape[1], starts, columns, sums,
    )  # fmt: skip
    end = starts[-1]
    return csr_array((sums[:end], columns[:end], starts), shape=shape)


Opinion = Factored | Common | Related
"""Each has `scores(customers)`: how much the model would like to show each item to each of these customers.

`customers` has shape (n,), positions in the history's vocabulary; what comes back has shape (n, n_items)
float32 and is finite. Above 0 is a proposal, the higher the better; 0 or less is none. It is dense, and so
only for a few customers.
"""
