"""What somebody would like by ALS, judged by nothing but the items just looked at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.models.fold_in import fold_in
from recommender.ranking.cart import NOTHING
from recommender.ranking.lists import SOURCES, RecommendationList

CONFIDENCE = 40.0
"""Of an item looked at, above that of one that was not: how much surer it makes us."""

LENGTH = 50
"""Items that are proposed at most."""

MOST_FACTORS = 64
"""Of an item. Of more, the directions in which items differ most are kept: each one costs every session."""

MOST_ITEMS = 131_072
"""That have factors; more of them would take a session longer than all the rest of its answer."""

FEWEST_BUYERS = 5
"""The factors of an item with fewer would point at what those few customers bought."""

_SAMPLED = 16
"""One score of so many says how large the best ones must be."""


@dataclass(frozen=True)
class SessionFactors:
    """Factors of items, to place a session among them.

    Attributes:
        items: shape (n,) int32, rising positions of the items that have factors here.
        factors: shape (n, n_factors) float32, of these items.
        proposed: shape (n,) bool, whether the item may be proposed.
        gram: shape (n_factors, n_factors) float32, see `AlsModel.gram`.
        pull: see `AlsModel.pull`.
        source: number of ALS among the sources of lists.
    """

    items: NDArray[np.int32]
    factors: NDArray[np.float32]
    proposed: NDArray[np.bool_]
    gram: NDArray[np.float32]
    pull: float
    source: int = SOURCES.index("als")

    @classmethod
    def of(
        cls,
        factors: NDArray[np.float32],
        gram: NDArray[np.float32],
        pull: float,
        *,
        listed: NDArray[np.integer],
        buyers: NDArray[np.integer],
        most_factors: int = MOST_FACTORS,
        most_items: int = MOST_ITEMS,
    ) -> "SessionFactors":
        """The factors of a fitted model, as they are published: those that say most, in half precision.

        Of a model with more factors than that, items and equations are seen along the principal axes of the
        item factors that have the largest variance: a session is looked for among those alone.

        Args:
            factors: shape (n_items, n_factors), see `AlsModel.item_factors`.
            gram: see `AlsModel`.
            pull: see `AlsModel`.
            listed: shape (n_items,), on how many lists each item stands. Only those on some list are
                proposed: no other may be recommended.
            buyers: shape (n_items,), how many customers bought each item. What fewer than `FEWEST_BUYERS` did
                has no factors here: whoever looked at it would be shown what else they bought.
            most_factors: of each item.
            most_items: those that stand on the most lists are kept.
        """
        if factors.shape[1] > most_factors:
            axes = _principal_axes(gram, most_factors)
            with threadpool_limits(1, "blas"):
                factors, gram = factors @ axes, np.asarray(axes.T @ gram @ axes, np.float32)
        known: NDArray[np.bool_] = np.asarray(factors.any(axis=1)) & (buyers >= FEWEST_BUYERS)
        if most_items < known.sum():
            known[np.where(known, listed, -1).argsort(kind="stable")[: len(known) - most_items]] = False
        items = np.flatnonzero(known).astype(np.int32)
        rounded = factors[items].astype(np.float16).astype(np.float32)
        return cls(items, rounded, listed[items] > 0, gram, float(pull))

    def list_for(self, viewed: NDArray[np.int32]) -> RecommendationList:
        """The best items for somebody of whom no more is known than what they looked at.

        The session is folded in (`fold_in`), all views alike. A score is the product of its factors with the
        item's, divided by the root of the length of the item's: halfway to the cosine, since what everybody
        buys has long ones, and stands in the other lists of a session anyway.

        Args:
            viewed: positions of the items looked at; unknown ones (-1) say nothing.

        Returns:
            At most `LENGTH` items, best first, all of a score above 0; ties go to the lower position. The
            items looked at are among them, if they are good enough.
        """
        rows = self._rows(np.unique(viewed))
        if not len(rows):
            return NOTHING
        confidence = np.full(len(rows), 1 + CONFIDENCE, np.float32)
        session = fold_in(self.factors[rows], confidence, self.gram, self.pull)
        scores = (self.factors @ session) * self._scale
        best = _largest(scores, LENGTH)
        best = best[scores[best] > 0]
        n = len(best)
        return RecommendationList(
            self.items[best], scores[best], np.full(n, self.source, np.uint8), np.zeros(n, bool)
        )

    def _rows(self, items: NDArray[np.int32]) -> NDArray[np.intp]:
        """Where items stand here, as far as they do."""
        rows = np.searchsorted(self.items, items)
        here = rows < len(self.items)
        here[here] = self.items[rows[here]] == items[here]
        return rows[here]

    @cached_property
    def _scale(self) -> NDArray[np.float32]:
        """What turns products into scores, shape (n,); 0 for what may not be proposed."""
        length = np.sqrt(np.einsum("if,if->i", self.factors, self.factors))
        scale = np.zeros(len(length), np.float32)
        said = self.proposed & (length > 0)
        scale[said] = 1 / np.sqrt(length[said])
        return scale


def _principal_axes(gram: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """The n directions in which factors with these products are the longest, shape (n_factors, n)."""
    with threadpool_limits(1, "blas"):
        _, axes = np.linalg.eigh(gram.astype(np.float64))
    axes = axes[:, ::-1][:, :n]
    # A direction and its opposite are as good: one of them, so that it is the same every time.
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None, :], axis=0))
    return np.asarray(axes * signs, np.float32)


def _largest(scores: NDArray[np.float32], n: int) -> NDArray[np.intp]:
    """Positions of the n largest scores, largest first; of equal ones the lower position first."""
    # As many of the sample as there are n of all reach it, about; twice as many, to be nearly sure.
    sample, wanted = scores[::_SAMPLED], 2 * n // _SAMPLED + 4
    if len(sample) > 4 * wanted:
        floor = np.partition(sample, len(sample) - wanted)[len(sample) - wanted]
        found = np.flatnonzero(scores >= floor)
        if n <= len(found) <= _SAMPLED * n:
            return found[(-scores[found]).argsort(kind="stable")[:n]]
    return (-scores).argsort(kind="stable")[:n]
