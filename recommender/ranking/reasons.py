"""Why an item stands in a customer's list, as a kind and a number."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

ReasonKind = Literal[
    "",
    "bought_again",
    "bought_before",
    "because_you_bought",
    "popular_in_category",
    "popular",
]

KINDS: tuple[ReasonKind, ...] = get_args(ReasonKind)
"""What a reason can be; a stored reason holds the position in this tuple, so only append."""

NONE, BOUGHT_AGAIN, BOUGHT_BEFORE, BECAUSE_YOU_BOUGHT, POPULAR_IN_CATEGORY, POPULAR = range(len(KINDS))


POPULAR_PLACES = 10
"""Who stands among so many first places of a best-seller list is called popular."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """One reason a place, beside the places of a list table or of one list.

    Attributes:
        kinds: shape (n,) uint8 positions in `KINDS`.
        values: shape (n,) int32, what the kind says: mean days between two purchases (`bought_again`), times
            bought (`bought_before`), position of the item bought (`because_you_bought`); else 0.
    """

    kinds: NDArray[np.uint8]
    values: NDArray[np.int32]

    def __post_init__(self) -> None:
        if len(self.kinds) != len(self.values):
            raise ValueError("every reason has a kind and a value")

    def __len__(self) -> int:
        return len(self.kinds)

    def part(self, at: slice) -> "Reasons":
        """The reasons of these places."""
        return Reasons(self.kinds[at], self.values[at])
