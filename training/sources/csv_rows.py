"""Row by row through a CSV file that a fast reader refuses."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import polars as pl

MOST_LINES_A_ROW = 1000
"""A row of more lines than this is no row: a quotation mark was opened and never closed."""

_CHUNK = 100_000
_LONGEST_VALUE = 1 << 27


def has_misshapen(text: Iterable[str], width: int, delimiter: str) -> bool:
    """Whether any row has another number of values than the header; blank rows do not count.

    Args:
        text: physical lines, the header first.
        width: values of the header.
        delimiter: between values.
    """
    return any(row and len(row) != width for row in _rows(text, width, delimiter))


def repaired(
    text: Iterable[str], columns: Sequence[str], delimiter: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every row as text, cut or filled up to the header's width.

    Args:
        text: physical lines, the header first.
        columns: names for the values.
        delimiter: between values.

    Returns:
        All rows, and the misshapen ones: `row` (1-based) and `values`, how many they had.
    """
    width, texts = len(columns), dict.fromkeys(columns, pl.String())
    frames, misshapen = [pl.DataFrame(schema=texts)], []
    rows = enumerate(islice(_rows(text, width, delimiter), 1, None), 1)
    while chunk := list(islice(rows, _CHUNK)):
        misshapen += [(number, len(row)) for number, row in chunk if row and len(row) != width]
        frames.append(pl.DataFrame([_fitted(row, width) for _, row in chunk], schema=texts, orient="row"))
    schema = {"row": pl.UInt32, "values": pl.UInt32}
    return pl.concat(frames), pl.DataFrame(misshapen, schema=schema, orient="row")


def _fitted(row: Sequence[str], width: int) -> list[str | None]:
    """A row of the header's width, blank values as None, as polars has them."""
    return [value or None for value in row[:width]] + [None] * (width - len(row))


def _rows(text: Iterable[str], width: int, delimiter: str) -> Iterator[list[str]]:
    """The values of each row, the header's among them.

    A misshapen row of several lines comes from a quotation mark that stands alone: its first line is read
    again with quotation marks as plain signs, and the lines it had swallowed are read anew.
    """
    csv.field_size_limit(_LONGEST_VALUE)
    lines = _Lines(text)
    while True:
        # A reader that has met its end says nothing more, so each stop of `lines` needs a new one.
        for row in csv.reader(lines, delimiter=delimiter):
            taken = lines.taken()
            if len(taken) > 1 and len(row) != width:
                lines.give_back(taken[1:])
                yield next(csv.reader(taken[:1], delimiter=delimiter, quoting=csv.QUOTE_NONE))
                break
            yield row
        else:
            if not lines.left():
                return


class _Lines:
    """Physical lines, a limited number for each row; those of the last row can be given back."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MOST_LINES_A_ROW:
            raise StopIteration
        line = self._waiting.popleft() if self._waiting else next(self._text)
        self._taken.append(line)
        return line

    def taken(self) -> list[str]:
        """The lines of the row just read; the next row starts at none."""
        taken, self._taken = self._taken, []
        return taken

    def give_back(self, lines: Sequence[str]) -> None:
        """Lines to be read again, before all others."""
        self._waiting.extendleft(reversed(lines))

    def left(self) -> bool:
        """Whether any line is still to come."""
        if not self._waiting:
            self._waiting.extend(islice(self._text, 1))
        return bool(self._waiting)
