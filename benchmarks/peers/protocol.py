"""What a peer is: frozen settings that learn from the same history as our own models."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory


class FittedPeer(Protocol):
    """A peer that has learned."""

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """How high each item stands for each of these customers.

        Args:
            customers: shape (n,) positions in the history's customer vocabulary.

        Returns:
            Shape (n, n_items): the higher, the better, bought items included; `-inf` where the peer has no
            opinion, so that its list is shorter rather than padded with what comes first in the catalog.
        """
        ...


class Peer(Protocol):
    """Settings of a peer, as a frozen dataclass whose defaults are those of its library or paper."""

    def fit(self, history: PurchaseHistory) -> FittedPeer:
        """Learn from a history in which every customer bought something."""
        ...


def where_positive(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    """Scores of a method that says 0 of what it has no opinion on: `-inf` there."""
    return np.where(scores > 0, scores, -np.inf)
