"""List tables from plain lists of positions."""

import numpy as np

from recommender.ranking.lists import ListTable


def table_of(rows: list[list[int]], bought: list[list[bool]] | None = None) -> ListTable:
    """A table whose scores fall by one a place; every source is number 1."""
    lengths = [len(row) for row in rows]
    flags = bought if bought is not None else [[False] * n for n in lengths]
    return ListTable(
        starts=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        items=np.array([item for row in rows for item in row], np.int32),
        scores=np.array([n - place for n in lengths for place in range(n)], np.float32),
        sources=np.ones(sum(lengths), np.uint8),
        bought=np.array([flag for row in flags for flag in row], bool),
    )
