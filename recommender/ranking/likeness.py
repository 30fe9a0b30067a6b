"""How alike items are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.item_traits import ItemTraits

_UNIT = np.float32(2048)
"""Length of a direction. Its entries are whole numbers, and sums of products of two such directions stay
below 2²⁴, up to which float32 counts without error: so the result is the same however BLAS adds up."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What makes two items alike: category, brand and direction, as far as the shop has them.

    Attributes:
        codes: shape (n_items,) each; items of the same code are alike, -1 is like nothing.
        telling: one for each of `codes`, shape (n_codes,): how much it says to have this code in common.
        directions: shape (n_items, n_factors) float32 whole numbers, `_UNIT` long; None where there are none.
    """

    codes: tuple[NDArray[np.int32], ...]
    telling: tuple[NDArray[np.float32], ...]
    directions: NDArray[np.float32] | None

    @classmethod
    def of(cls, traits: ItemTraits) -> "Likeness":
        """From what is known of the items; what no item has is left out."""
        codes = tuple(codes for codes in (traits.category, traits.brand) if (codes >= 0).any())
        directions = None if traits.factors is None else _directions(traits.factors)
        return cls(codes, tuple(_telling(of_items) for of_items in codes), directions)

    def among(self, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """Likeness of the items of each row to each other.

        Args:
            items: shape (n_rows, width).

        Returns:
            Shape (n_rows, width, width), from 0 to 1: the mean of what is known. Of category and brand the
            share of items that do not have it where it is the same, so that a brand that most items have
            says little; of directions the cosine, 0 where they point apart.
        """
        total = np.zeros((*items.shape, items.shape[1]), np.float32)
        for codes, telling in zip(self.codes, self.telling, strict=True):
            code = codes[items]
            total += (code[:, :, None] == code[:, None, :]) * np.where(code >= 0, telling[code], 0)[
                :, :, None
            ]
        if self.directions is not None:
            direction = self.directions[items]
            total += np.maximum(direction @ direction.transpose(0, 2, 1), 0) / (_UNIT * _UNIT)
        return np.minimum(total / max(1, len(self.codes) + (self.directions is not None)), 1)


def _telling(codes: NDArray[np.int32]) -> NDArray[np.float32]:
    return (1 - np.bincount(codes[codes >= 0]) / len(codes)).astype(np.float32)


def _directions(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(factors, axis=1, keepdims=True)
    return np.asarray(np.rint(factors / np.where(length > 0, length, 1) * _UNIT), np.float32)
