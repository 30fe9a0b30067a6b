"""A plain weighted sum of the models' scores."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.models.protocol import FittedModel
from recommender.ranges import require_at_least
from recommender.ranking.candidates import Candidates


@dataclass(frozen=True, slots=True)
class Blend:
    """How much each model counts; one with a weight of 0 is not asked.

    The scores are scaled per customer beforehand, so a model's own scale does not matter.
    """

    best_sellers: float = 0.1
    als: float = 0.3
    item_knn: float = 0.025
    co_purchase: float = 0.03
    buy_again: float = 1.0
    customer_knn: float = 0.05
    als_long_term: float = 0.05
    co_purchase_recent: float = 0.03
    content: float = 0.05
    linear: float = 0.05

    def __post_init__(self) -> None:
        require_at_least(0, **asdict(self))
        if not any(asdict(self).values()):
            raise ValueError("at least one weight must be above 0")

    def counts(self, name: str) -> bool:
        """Whether a model is asked."""
        return bool(asdict(self)[name] > 0)

    def asked(self, models: Mapping[str, FittedModel]) -> dict[str, FittedModel]:
        """The models that count."""
        return {name: model for name, model in models.items() if self.counts(name)}

    def contributions(self, candidates: Candidates) -> NDArray[np.float32]:
        """What each model adds to each pair's score, shape (n_pairs, n_models)."""
        weights = asdict(self)
        return candidates.scores * np.array([weights[name] for name in candidates.models], np.float32)
