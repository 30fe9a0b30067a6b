"""Lines with equal keys put together: by sorting, which for millions of keys is much faster than hashing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Groups:
    """Lines by their keys.

    Attributes:
        lines: shape (n,) positions, by rising key; lines of one key in their old order.
        starts: shape (n_groups,), where each group begins in `lines`.
    """

    lines: NDArray[np.intp]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, keys: NDArray[np.integer]) -> "Groups":
        """Groups of lines with these keys, shape (n,)."""
        lines = np.argsort(keys, kind="stable")
        return cls(lines, run_starts(keys[lines]))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def first(self) -> NDArray[np.intp]:
        """The first line of each group, shape (n_groups,)."""
        return self.lines[self.starts]

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Lines of each group, shape (n_groups,)."""
        return np.diff(self.starts, append=len(self.lines))

    def group_of_line(self) -> NDArray[np.intp]:
        """The group of each line, by its old position, shape (n,)."""
        group = np.empty(len(self.lines), np.intp)
        group[self.lines] = np.repeat(np.arange(len(self)), self.sizes)
        return group


def run_starts(values: NDArray[np.integer]) -> NDArray[np.intp]:
    """Where each run of equal neighbours begins, shape (n_runs,); of sorted values, where each value does."""
    if not len(values):
        return np.zeros(0, np.intp)
    return np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))
