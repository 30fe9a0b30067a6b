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
        had = self.bought[customers]
        stated = {
            name: opinion.of(customers)
            for name, opinion in self.opinions.items()
            if isinstance(opinion, Related)
        }
        proposed = np.concatenate(
            [self._proposed(name, customers, stated, had) for name in self.opinions], axis=1
        )
        row, item, mine = united(proposed, had, self.eligible)
        scores = np.empty((len(row), len(self.opinions)), np.float32)
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
            scores=_of_the_best(scores, np.bincount(row, minlength=len(customers))),
            bought=mine,
            models=tuple(self.opinions),
        )

    def _proposed(
        self, name: str, customers: NDArray[np.int32], stated: Mapping[str, csr_array], had: csr_array
    ) -> NDArray[np.int32]:
        """Items that a model proposes, shape (n_customers, per_model); -1 where there are fewer."""
        opinion, n = self.opinions[name], self.per_model
        if isinstance(opinion, Related):
            return best_entries(stated[name], n, eligible=self.eligible, masked=had).items
        return self.searches[name].best(opinion.factors_of(customers), n, masked=had, above=0.0).items


def united(
    proposed: NDArray[np.int32], had: csr_array, eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """What was proposed to each customer, by whichever model, and what the customer had, each once.

    Args:
        proposed: shape (n, n_proposed), items; -1 is nothing.
        had: shape (n, n_items), how often the customer had the item; what is stored as 0 does not count.
        eligible: shape (n_items,), False forbids an item that was had.

    Returns:
        Row and item of all pairs, rising, and which of them were had.
    """
    by_whom, which = np.nonzero(proposed >= 0)
    had_by = np.repeat(np.arange(had.shape[0]), np.diff(had.indptr))
    counts = (had.data > 0) & eligible[had.indices]
    # One number a pair, for numbers are what is sorted fastest; the last bit tells what was had.
    pairs = np.concatenate((
        by_whom << 32 | proposed[by_whom, which].astype(np.int64) << 1,
        had_by[counts] << 32 | had.indices[counts].astype(np.int64) << 1 | 1,
    ))  # fmt: skip
    pairs.sort()
    pairs = pairs[np.append(np.diff(pairs >> 1) != 0, True)] if len(pairs) else pairs
    item = (pairs & 0xFFFFFFFF) >> 1
    return (pairs >> 32).astype(np.int32), item.astype(np.int32), (pairs & 1).astype(np.bool_)


def _of_the_best(scores: NDArray[np.float32], size: NDArray[np.intp]) -> NDArray[np.float32]:
    """Scores divided by the best of their row, and nothing below 0; `size` is how many each row has.

    A model's best eligible item is a candidate, either as bought before or as its first proposal.
    """
    scores = np.maximum(scores, 0)
    best = np.ones((len(size), scores.shape[1]), np.float32)
    if size.any():
        starts = np.cumsum(size) - size
        best[size > 0] = np.maximum.reduceat(scores, starts[size > 0], axis=0)
    return np.asarray(scores / np.repeat(np.where(best > 0, best, np.float32(1)), size, axis=0), np.float32)
