"""TIFU-KNN: personal item frequency with two decays, mixed with that of similar customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.peers.order_sequences import OrderSequences
from benchmarks.peers.protocol import where_positive
from recommender.data.history import PurchaseHistory
from recommender.top_n.dense_rows import among_top_n


@dataclass(frozen=True, slots=True)
class TifuKnn:
    """Personal item frequency that fades in two steps, mixed with that of the nearest customers.

    Hu, He, Gao & Zhang, "Modeling personalized item frequency information for next-basket recommendation",
    SIGIR 2020. A customer's n orders are cut into m groups of equal length, as nearly as n allows, the
    longer ones at the end; with fewer than m orders each is a group. An order that is the j-th from the end
    of its group of τ weighs r_b^(j−1) ÷ τ, and a group that is the i-th from the end r_g^(i−1) ÷ m; the
    customer's vector adds up all orders with both weights. The prediction is α times that vector and 1 − α
    times the mean vector of the nearest other customers by Euclidean distance. Defaults are those that its
    authors give for Ta-Feng.

    Attributes:
        neighbours: other customers that are asked.
        within_decay: r_b, 0 to 1.
        group_decay: r_g, 0 to 1.
        groups: m.
        own_share: α, 0 to 1.
    """

    neighbours: int = 300
    within_decay: float = 0.9
    group_decay: float = 0.7
    groups: int = 7
    own_share: float = 0.7

    def fit(self, history: PurchaseHistory) -> "FittedTifuKnn":
        """Make every customer's vector."""
        sequences = OrderSequences.of(history)
        weight = self._weights(sequences)
        shape = (len(history.customers), len(history.items))
        vectors = csr_array((weight, (sequences.customer, sequences.item)), shape=shape, dtype=np.float32)
        vectors.sum_duplicates()
        square = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
        return FittedTifuKnn(vectors, square, min(self.neighbours, shape[0] - 1), self.own_share)

    def _weights(self, sequences: OrderSequences) -> NDArray[np.float64]:
        n = sequences.n_orders[sequences.customer]
        m = np.minimum(self.groups, n)
        short, n_long = n // m, n % m
        # The m − n_long shorter groups come first.
        in_short = short * (m - n_long)
        beyond = sequences.place - in_short
        early = beyond < 0
        size = np.where(early, short, short + 1)
        group = np.where(early, sequences.place // short, m - n_long + beyond // (short + 1))
        within = np.where(early, sequences.place, beyond) % size
        return self.within_decay ** (size - 1 - within) / size * self.group_decay ** (m - 1 - group) / m


@dataclass(frozen=True, slots=True)
class FittedTifuKnn:
    """Everybody's vectors.

    Attributes:
        vectors: shape (n_customers, n_items).
        square: shape (n_customers,), squared length of each vector.
        neighbours: other customers that are asked.
        own_share: what the customer's own vector counts, 0 to 1.
    """

    vectors: csr_array
    square: NDArray[np.float32]
    neighbours: int
    own_share: float

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`."""
        own = self.vectors[customers]
        # Squared distance, less the customer's own square, which is the same all over the row.
        distance = self.square - 2 * (own @ self.vectors.T).toarray()
        distance[np.arange(len(customers)), customers] = np.inf
        nearest = csr_array(among_top_n(-distance, self.neighbours), dtype=np.float32)
        of_others = (nearest @ self.vectors).toarray() / max(self.neighbours, 1)
        return where_positive(self.own_share * own.toarray() + (1 - self.own_share) * of_others)
