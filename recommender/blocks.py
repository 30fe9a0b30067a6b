"""Work cut into blocks, so that memory does not grow with the shop."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def bounded_blocks(work: NDArray[np.integer], most: int) -> list[slice]:
    """Consecutive slices of things whose work together is about `most`; one thing may be more by itself.

    Args:
        work: shape (n,), what each thing takes, 0 or more, in whatever unit.
        most: in the same unit, at least 1.

    Returns:
        Slices that cover 0 … n - 1 in order; none where there is nothing.
    """
    block = np.cumsum(work, dtype=np.int64) // most
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(work)] if len(work) else []
    return [slice(start, end) for start, end in pairwise(cuts)]
