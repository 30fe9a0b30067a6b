"""Which of the ranked candidates a row keeps: the best of either kind, with room for what is new."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.models.content import OwnTaste
from recommender.ranking.candidates import Candidates
from recommender.ranking.lists import ListTable


@dataclass(frozen=True, slots=True)
class Reserved:
    """Room for some items among the discoveries, so that re-ranking finds them there.

    A ranker that has hardly seen an item without sales would leave it behind the last place kept.

    Attributes:
        items: shape (n_items,), the items that there is room for.
        share: of the discoveries that may be such items although others are ranked before them.
        taste: says which of them comes first; None leaves that to what ranks.
    """

    items: NDArray[np.bool_]
    share: float
    taste: OwnTaste | None = None

    def exchanged(
        self, customers: NDArray[np.int32], candidates: Candidates, scores: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Scores that each customer's new items have handed on among themselves, best to best by own taste.

        How high they stand among the others, the ranker says; which of them comes first, what is said of
        them. By what suits a customer alone, without regard to what suits everybody, 481 of 499 lists of a
        grocery shop with six new items held the same one (docs/cold-start.md).

        Args:
            customers: shape (n,), the customer of each row of the candidates.
            candidates: pairs of customer and item.
            scores: shape (n_pairs,), what orders them.
        """
        new = np.flatnonzero(self.items[candidates.item] & ~candidates.bought)
        if self.taste is None or not len(new):
            return scores
        row, item, score = candidates.row[new], candidates.item[new], scores[new]
        best_first = np.lexsort((item, -score, row))
        told_first = np.lexsort((item, -score, -self.taste.scores(customers)[row, item], row))
        handed_on = scores.copy()
        handed_on[new[told_first]] = score[best_first]
        return handed_on

    def kept(self, table: ListTable, length: int) -> NDArray[np.bool_]:
        """The `length` discoveries that each row keeps, shape (n_places,)."""
        new, room = ~table.bought & self.items[table.items], round(self.share * length)
        reserved = among_best(table, new, room)
        if not reserved.any():
            return among_best(table, ~table.bought, length)
        taken = np.bincount(table.row_of_place()[reserved], minlength=len(table))
        others = among_best(table, ~table.bought & ~reserved, length - taken)
        return reserved | others


def among_best(table: ListTable, kind: NDArray[np.bool_], n: int | NDArray[np.integer]) -> NDArray[np.bool_]:
    """Places of a kind that have fewer than `n` of that kind before them in their row.

    Args:
        table: lists, best place first.
        kind: shape (n_places,).
        n: one number, or one a row.
    """
    seen_before = np.concatenate(([0], np.cumsum(kind)))[:-1]
    at_row_start = np.append(seen_before, 0)[table.starts[:-1]] if len(kind) else np.zeros(len(table))
    row = table.row_of_place()
    allowed = n if isinstance(n, int) else n[row]
    return np.asarray(kind & (seen_before - at_row_start[row] < allowed))
