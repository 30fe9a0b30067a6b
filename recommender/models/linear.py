"""Linear: what each purchase adds to the others, as far as no other purchase explains it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.models.linear_relations import linear_weights
from recommender.models.opinions import Related
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class Linear:
    """EASE (Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019) over faded purchases.

    Every item is predicted from all others by one linear model. Only the last purchase of an item counts: how
    often somebody buys it is for `buy_again` to say, and what is new to a customer is found better without.

    Attributes:
        half_life_days: a purchase this old counts half.
        regularization: pull of every weight towards 0, in units of √customers + √items, as of `als`.
        n_items: items of most purchases that have weights; the time grows with their cube.
        n_neighbours: weights kept for an item, the largest of either sign, and what is as large as the last.
    """

    half_life_days: float = 52.0
    regularization: float = 1.6
    n_items: int = 3000
    n_neighbours: int = 200

    def __post_init__(self) -> None:
        require_positive(half_life_days=self.half_life_days, regularization=self.regularization)
        require_at_least(1, n_items=self.n_items, n_neighbours=self.n_neighbours)

    def fit(self, history: PurchaseHistory) -> "LinearModel":
        """Solve for the weights."""
        purchases = history.last_purchases(self.half_life_days)
        customers = int(np.count_nonzero(np.diff(purchases.indptr)))
        some = min(self.n_items, len(np.unique(purchases.indices)))
        items, weights = linear_weights(
            purchases, regularization=self.pull(customers, some), n_items=self.n_items
        )
        return LinearModel(self.strongest(weights, items, purchases.shape[1]), purchases)

    def pull(self, customers: int, items: int) -> float:
        """The regularisation in units of the equations, for so many customers and items that have weights."""
        return self.regularization * max(float(np.sqrt(customers) + np.sqrt(items)), 1.0)

    def strongest(self, weights: NDArray[np.float32], items: NDArray[np.intp], n_items: int) -> csr_array:
        """The weights that are kept, in the positions of the whole vocabulary.

        Args:
            weights: shape (n, n), row = item bought.
            items: shape (n,), positions of the items that have weights.
            n_items: size of the vocabulary.
        """
        return _largest(weights, items, n_items, self.n_neighbours)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Fitted weights, and what each customer bought.

    Attributes:
        relation: shape (n_items, n_items) float32, row = item bought, column = item that it speaks for, or
            against where negative.
        bought: shape (n_customers, n_items) float32, the last purchase of each item, faded.
    """

    relation: csr_array
    bought: csr_array

    @property
    def opinion(self) -> Related:
        """See `FittedModel.opinion`; weights of what the customer bought, added up."""
        return Related(self.bought, self.relation)


def _largest(weights: NDArray[np.float32], items: NDArray[np.intp], n_items: int, n: int) -> csr_array:
    """The `n` weights of every row that are furthest from 0, in the positions of the whole vocabulary."""
    size = np.abs(weights)
    if n < len(items):
        least = np.partition(size, len(items) - n, axis=1)[:, len(items) - n, None]
        size = np.where(size >= least, size, 0)
    row, column = np.nonzero(size)
    return csr_array((weights[row, column], (items[row], items[column])), shape=(n_items, n_items))
