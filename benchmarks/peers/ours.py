"""A model of ours in the form of a peer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.protocol import where_positive
from recommender.data.history import PurchaseHistory
from recommender.models.protocol import FittedModel, Model


@dataclass(frozen=True, slots=True)
class Ours:
    """See `Peer`."""

    settings: Model

    def fit(self, history: PurchaseHistory) -> "FittedOurs":
        """See `Peer.fit`."""
        return FittedOurs(self.settings.fit(history))


@dataclass(frozen=True, slots=True)
class FittedOurs:
    """See `FittedPeer`."""

    model: FittedModel

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.floating]:
        """See `FittedPeer.scores`."""
        return where_positive(self.model.opinion.scores(customers))
