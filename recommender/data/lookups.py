"""What is known of an id, brought to its lines: by the number that stands for the id, column by column.

A join would do the same, but copies every other column of millions of lines.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def of_lines(given: pl.Series, ids: pl.Series, values: pl.Series) -> pl.Series:
    """The value of each line's id, null where the line has no id or the id no value.

    Args:
        given: shape (n_lines,), ids as categories, null where there is none.
        ids: shape (n_ids,), each once, of the same categories.
        values: shape (n_ids,), in the order of `ids`.
    """
    if ids.is_empty():
        return pl.Series(values.name, [None], values.dtype).new_from_index(0, len(given))
    code, codes = ids.to_physical().to_numpy(), given.to_physical()
    place = np.full(max(_size(ids), _size(given)), len(ids), np.uint32)
    place[code] = np.arange(len(ids), dtype=np.uint32)
    by_code = values.extend_constant(None, 1).gather(pl.Series(place))
    return by_code.gather(codes)


def _size(ids: pl.Series) -> int:
    """Room that an array needs to have a place for the number of each id."""
    return int(ids.to_physical().drop_nulls().to_numpy().max(initial=0)) + 1


def among(given: pl.Series, ids: pl.Series) -> pl.Series:
    """Whether each line's id is one of these, shape (n_lines,); False where it has none.

    Args:
        given: shape (n_lines,), ids as categories.
        ids: of the same categories.
    """
    found = of_lines(given, ids, pl.Series([True]).new_from_index(0, len(ids)))
    return found.fill_null(False)


def distinct(ids: pl.Series) -> pl.Series:
    """Each id once, by the numbers that stand for them, shape (n_ids,); null is none.

    Args:
        ids: shape (n_lines,), as categories.
    """
    there = ids.drop_nulls()
    code = there.to_physical().to_numpy()
    line = np.full(_size(ids), -1, np.int32)
    line[code] = np.arange(len(code), dtype=np.int32)
    return there.gather(line[line >= 0])


def first_lines(positions: NDArray[np.int32]) -> NDArray[np.intp]:
    """The line on which each position first stands, ascending, shape (n_different,).

    Args:
        positions: shape (n_lines,) of a vocabulary; a line below 0 has none, and is passed over.
    """
    # One place more than there are positions, the last: -1 leads to it. Of several values for one place
    # numpy keeps the last, which here is the first line.
    first = np.full(int(positions.max(initial=-1)) + 2, -1, np.int32)
    first[positions[::-1]] = np.arange(len(positions) - 1, -1, -1, dtype=np.int32)
    known = first[:-1]
    return np.sort(known[known >= 0]).astype(np.intp)


def with_several(ids: pl.Series, values: pl.Series) -> NDArray[np.bool_]:
    """Whether the id of a line has lines of another value, shape (n_lines,).

    Args:
        ids: shape (n_lines,), as categories; a line without one has no others.
        values: shape (n_lines,), as categories; lines without one are passed over.
    """
    code = ids.to_physical().fill_null(0).to_numpy()
    value = values.to_physical().fill_null(0).to_numpy()
    there = (ids.is_not_null() & values.is_not_null()).to_numpy()
    one_of = np.zeros(int(code.max(initial=0)) + 1, np.uint32)
    one_of[code[there]] = value[there]
    several = np.zeros(len(one_of), bool)
    several[code[there & (one_of[code] != value)]] = True
    return np.asarray(several[code] & there)
