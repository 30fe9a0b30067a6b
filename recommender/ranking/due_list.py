"""One customer's items that are due again, with when: read by the service, so numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.lists import SOURCES, RecommendationList

HORIZONS = (7, 14, 30)
"""Days ahead of which the chance is told."""

USUAL = 14
"""Of these, the one that orders what is stored."""


@dataclass(frozen=True, slots=True)
class DueList(RecommendationList):
    """Items that a customer is likely to buy again; the score is the chance within `USUAL` days.

    Attributes:
        chance: shape (n, len(HORIZONS)) float32, of a purchase within so many days.
        day: shape (n,), likely day, from 1; 0 where none could be told.
        first_day: shape (n,), first day of an interval around it.
        last_day: shape (n,), its last day.
    """

    chance: NDArray[np.float32]
    day: NDArray[np.integer]
    first_day: NDArray[np.integer]
    last_day: NDArray[np.integer]

    @classmethod
    def of(
        cls,
        items: NDArray[np.int32],
        chance: NDArray[np.float32],
        day: NDArray[np.integer],
        first_day: NDArray[np.integer],
        last_day: NDArray[np.integer],
    ) -> "DueList":
        """A list of these items, in this order."""
        n, scores = len(items), chance[:, HORIZONS.index(USUAL)]
        source = np.full(n, SOURCES.index("buy_again"), np.uint8)
        return cls(items, scores, source, np.ones(n, bool), chance, day, first_day, last_day)

    def within(self, days: int) -> RecommendationList:
        """As a list, the likeliest within so many days (of `HORIZONS`) first; the score is that chance."""
        chance = self.chance[:, HORIZONS.index(days)]
        best = np.argsort(-chance, kind="stable")
        return RecommendationList(self.items[best], chance[best], self.sources[best], self.bought[best])
