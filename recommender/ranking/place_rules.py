"""What a place in a list may hold and should hold, given the places before it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.likeness import Likeness
from recommender.ranking.placing import Block, Preference, Rule


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Which rules hold, and what they look at; a share of 0 is no rule.

    Attributes:
        caps: codes of the items, shape (n_items,), -1 for none, and how many of one code there may be.
        is_new: shape (n_items,), items that are new to the shop.
        new_item_share: share of the places for those of them that the customer never bought.
        likeness: of items to each other; None where that is no rule.
        diversity: how much it counts to be unlike what is placed before, from 0 to 1.
    """

    caps: tuple[tuple[NDArray[np.int32], int], ...]
    is_new: NDArray[np.bool_]
    new_item_share: float
    likeness: Likeness | None
    diversity: float

    @property
    def empty(self) -> bool:
        """Whether nothing is ruled."""
        return not (self.caps or self.new_item_share or self.likeness)

    def caps_alone(self) -> "Rulebook":
        """Only the caps."""
        return replace(self, new_item_share=0, likeness=None)

    def rules(self, block: Block) -> list[Rule]:
        """The rules for a block, the most important first."""
        rules: list[Rule] = [Cap(codes[block.items], at_most) for codes, at_most in self.caps]
        if self.new_item_share:
            favoured = self.is_new[block.items] & ~block.bought
            rules.append(ReservedShare(favoured, self.new_item_share))
        return rules

    def preference(self, block: Block) -> Preference | None:
        """What is preferred in a block; None for the better placed."""
        if not self.likeness:
            return None
        return MarginalRelevance(block, self.likeness.among(block.items), self.diversity)


class Cap:
    """No more than so many of one category, or brand; what has none is free."""

    def __init__(self, codes: NDArray[np.int32], at_most: int) -> None:
        """For a block whose candidates have these codes, shape (n_rows, width), -1 for none."""
        self._codes, self._at_most = codes, at_most
        self._taken = np.zeros(codes.shape, np.int32)

    def allowed(self, place: int) -> NDArray[np.bool_]:
        """See `Rule.allowed`."""
        return np.asarray(self._taken < self._at_most)

    def take(self, column: NDArray[np.intp]) -> None:
        """See `Rule.take`."""
        code = np.take_along_axis(self._codes, column[:, None], axis=1)
        self._taken += (self._codes == code) & (code >= 0)


class ReservedShare:
    """Of the first p places at least share · p, rounded down, are for some candidates."""

    def __init__(self, favoured: NDArray[np.bool_], share: float) -> None:
        """For a block where these candidates are favoured, shape (n_rows, width)."""
        self._favoured, self._share = favoured, share
        self._taken = np.zeros(len(favoured), np.intp)

    def allowed(self, place: int) -> NDArray[np.bool_]:
        """See `Rule.allowed`."""
        # A share that is 1 of 3 places must come out as 1, although 1/3 · 3 may be a hair below it.
        due = np.floor(self._share * (place + 1) + 1e-9)
        return np.asarray(self._favoured | (self._taken >= due)[:, None])

    def take(self, column: NDArray[np.intp]) -> None:
        """See `Rule.take`."""
        self._taken += np.take_along_axis(self._favoured, column[:, None], axis=1)[:, 0]


class MarginalRelevance:
    """(1 − dial) · relevance − dial · likeness to the most alike candidate placed.

    Carbonell & Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries", SIGIR 1998.
    """

    def __init__(self, block: Block, likeness: NDArray[np.float32], dial: float) -> None:
        """For a block.

        Args:
            block: the relevance is its scores, the best of a row as 1 and the worst as 0.
            likeness: shape (n_rows, width, width), from 0 to 1.
            dial: from 0 to 1.
        """
        self._likeness, self._dial = likeness, np.float32(dial)
        self._relevance = (1 - self._dial) * _scaled(block)
        self._penalty = np.zeros_like(self._relevance)

    def worth(self) -> NDArray[np.float32]:
        """See `Preference.worth`."""
        return np.asarray(self._relevance - self._penalty)

    def take(self, column: NDArray[np.intp]) -> None:
        """See `Rule.take`."""
        alike = self._likeness[np.arange(len(column)), column]
        np.maximum(self._penalty, self._dial * alike, out=self._penalty)


def _scaled(block: Block) -> NDArray[np.float32]:
    best = block.scores[:, :1]
    worst = np.where(block.filled, block.scores, best).min(axis=1, keepdims=True)
    return np.asarray((block.scores - worst) / np.where(best > worst, best - worst, 1), np.float32)
