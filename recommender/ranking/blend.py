"""A plain weighted sum of the models' scores."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.candidates import Candidates


@dataclass(frozen=True, slots=True)
class Blend:
    """How much each model counts; a weight of 0 leaves its opinion out.

    The scores are scaled per customer beforehand, so a model's own scale does not matter.
    """

    best_sellers: float = 0.1
    als: float = 0.3
    item_knn: float = 0.025
    co_purchase: float = 0.03
    buy_again: float = 1.0

    def __post_init__(self) -> None:
        if any(weight < 0 for weight in asdict(self).values()) or not any(asdict(self).values()):
            raise ValueError(f"blend weights must be at least 0 and not all 0, got {asdict(self)}")

    def contributions(self, candidates: Candidates) -> NDArray[np.float32]:
        """What each model adds to each pair's score, shape (n_pairs, n_models)."""
        weights = asdict(self)
        return candidates.scores * np.array([weights[name] for name in candidates.models], np.float32)
