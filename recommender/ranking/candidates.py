"""Candidate generation: each model proposes, and says what it thinks of the others' proposals."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.opinions import Opinion, Related
from recommender.models.protocol import FittedModel
from recommender.top_n.factor_search import FactorSearch
from recommender.top_n.sparse_rows import best_entries, entries_at, products_of_pairs


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of customer and item worth ranking, ordered by customer, then item.

    Attributes:
        n_customers: rows that the pairs belong to; some may have no candidate.
        row: shape (n_pairs,) int32, 0 … n_customers - 1.
        item: shape (n_pairs,) int32 item positions.
        scores: shape (n_pairs, n_models) float32, every model's score divided by its best for this
            customer, so at most 1 and comparable between models; 0 where the model has no opinion.
        bought: shape (n_pairs,) bool, True where the customer had bought the item before.
        models: names of the columns of `scores`.
    """

    n_customers: int
    row: NDArray[np.int32]
    item: NDArray[np.int32]
    scores: NDArray[np.float32]
    bought: NDArray[np.bool_]
    models: tuple[str, ...]

    def take(self, at: NDArray[np.intp]) -> "Candidates":
        """Only the pairs at these rising positions."""
        return replace(
            self, row=self.row[at], item=self.item[at], scores=self.scores[at], bought=self.bought[at]
        )


@dataclass(frozen=True, slots=True)
class CandidateSearch:
    """Models that are ready to propose.

    What a customer bought before is always a candidate: there is little of it, and it is what customers
    mostly buy. Of what is new to the customer, every model proposes its best.

    Attributes:
        opinions: of the models, by name.
        searches: of those that are products, over the eligible items.
        bought: shape (n_customers, n_items), positive where bought before and nothing stored elsewhere.
        eligible: shape (n_items,), False forbids an item.
        per_model: new items that each model proposes.
    """

    opinions: Mapping[str, Opinion]
    searches: Mapping[str, FactorSearch]
    bought: csr_array
    eligible: NDArray[np.bool_]
    per_model: int

    @classmethod
    def over(
        cls,
        models: Mapping[str, FittedModel],
        *,
        bought: csr_array,
        eligible: NDArray[np.bool_],
        per_model: int,
    ) -> "CandidateSearch":
        """Prepare the search; arguments as the attributes."""
        opinions = {name: model.opinion for name, model in models.items()}
        searches = {
            name: FactorSearch.over(opinion.items, eligible)
            for name, opinion in opinions.items()
            if not isinstance(opinion, Related)
        }
        return cls(opinions, searches, bought, eligible, per_model)

    def candidates(self, customers: NDArray[np.int32]) -> Candidates:
        """The eligible items worth ranking for each customer, row r for `customers[r]`.

        Args:
            customers: shape (n,) positions; a few hundred at a time, or pairs take much memory.
        """
        had, n_items = self.bought[customers], len(self.eligible)
        stated = {
            name: opinion.of(customers)
            for name, opinion in self.opinions.items()
            if isinstance(opinion, Related)
        }
        proposed = [self._proposed(name, customers, stated, had) for name in self.opinions]
        mine = np.repeat(np.arange(len(customers)), np.diff(had.indptr)) * n_items + had.indices
        mine = np.sort(mine[self.eligible[had.indices] & (had.data > 0)])
        pairs = np.unique(np.concatenate((mine, *proposed)))
        row, item = (part.astype(np.int32) for part in np.divmod(pairs, n_items))
        scores = np.empty((len(pairs), len(self.opinions)), np.float32)
        for column, (name, opinion) in enumerate(self.opinions.items()):
            scores[:, column] = (
                entries_at(stated[name], row, item)
                if isinstance(opinion, Related)
                else products_of_pairs(opinion.factors_of(customers), opinion.items, row, item)
            )
        return Candidates(
            n_customers=len(customers),
            row=row,
            item=item,
            scores=_of_the_best(scores, row, len(customers)),
            bought=_among(pairs, mine),
            models=tuple(self.opinions),
        )

    def _proposed(
        self, name: str, customers: NDArray[np.int32], stated: Mapping[str, csr_array], had: csr_array
    ) -> NDArray[np.int64]:
        """Pairs that a model proposes, as row · items + item."""
        opinion, n = self.opinions[name], self.per_model
        if isinstance(opinion, Related):
            found = best_entries(stated[name], n, eligible=self.eligible, masked=had)
        else:
            found = self.searches[name].best(opinion.factors_of(customers), n, masked=had, above=0.0)
        row, place = np.nonzero(found.items >= 0)
        return row * len(self.eligible) + found.items[row, place]


def _of_the_best(scores: NDArray[np.float32], row: NDArray[np.int32], n_rows: int) -> NDArray[np.float32]:
    """Scores divided by the best of their row, and nothing below 0.

    A model's best eligible item is a candidate, either as bought before or as its first proposal.
    """
    scores = np.maximum(scores, 0)
    starts = np.searchsorted(row, np.arange(n_rows))
    best = np.ones((n_rows, scores.shape[1]), np.float32)
    filled = np.flatnonzero(np.bincount(row, minlength=n_rows))
    if len(filled):
        best[filled] = np.maximum.reduceat(scores, starts[filled], axis=0)
    return np.asarray(scores / np.where(best > 0, best, np.float32(1))[row], np.float32)


def _among(pairs: NDArray[np.int64], some: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the rising pairs are some of these, rising too."""
    marked = np.zeros(len(pairs), bool)
    marked[np.searchsorted(pairs, some)] = True
    return marked
