"""UP-CF@r: how often similar customers, oneself first, had an item in their last r orders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.peers.order_sequences import OrderSequences
from benchmarks.peers.protocol import where_positive
from recommender.data.history import PurchaseHistory

ALL = 1_000_000
"""Last orders that are more than anybody has."""


@dataclass(frozen=True, slots=True)
class UpCf:
    """User-wise popularity of the last orders, summed over similar customers.

    Faggioli, Polato & Aiolli, "Recency aware collaborative filtering for next basket recommendation", UMAP
    2020. User-wise popularity is the share of a customer's last r orders that hold the item. The score of
    item i for customer u is its sum over all customers v, u included, weighed by w(u, v)^q, where w is the
    asymmetric cosine |I_u ∩ I_v| ÷ (|I_u|^α |I_v|^(1−α)) of the sets of items ever bought.

    Attributes:
        last_orders: r; `ALL` for every one.
        locality: q, how much the most similar customers stand out.
        asymmetry: α, 0 to 1; ½ is the cosine.
    """

    last_orders: int = ALL
    locality: float = 5.0
    asymmetry: float = 0.25

    def fit(self, history: PurchaseHistory) -> "FittedUpCf":
        """Count the last orders, and gather what was ever bought."""
        sequences = OrderSequences.of(history)
        n = sequences.n_orders[sequences.customer]
        looked_at = np.minimum(n, self.last_orders)
        recent = sequences.place >= n - looked_at
        shape = (len(history.customers), len(history.items))
        pairs = (sequences.customer[recent], sequences.item[recent])
        popularity = csr_array((1 / looked_at[recent], pairs), shape=shape, dtype=np.float32)
        popularity.sum_duplicates()
        ever = csr_array(history.interactions(np.inf) > 0, dtype=np.float32)
        return FittedUpCf(popularity, ever, self.locality, self.asymmetry)


@dataclass(frozen=True, slots=True)
class FittedUpCf:
    """What customers bought lately, and ever.

    Attributes:
        popularity: shape (n_customers, n_items), share of the last orders that hold the item.
        ever: shape (n_customers, n_items), 1 where ever bought.
        locality: q.
        asymmetry: α.
    """

    popularity: csr_array
    ever: csr_array
    locality: float
    asymmetry: float

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`."""
        # Who never bought a known item shares none: any size but 0 will do.
        size = np.maximum(np.diff(self.ever.indptr), 1).astype(np.float64)
        in_common = (self.ever[customers] @ self.ever.T).toarray()
        similarity = in_common / np.outer(size[customers] ** self.asymmetry, size ** (1 - self.asymmetry))
        return where_positive(similarity**self.locality @ self.popularity)
