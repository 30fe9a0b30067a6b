"""Millions of ids in a few bytes each, for those that hardly anybody asks for by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class PackedIds(Sequence[str]):
    """A sequence of different texts, equal to a tuple of the same.

    Python would take some sixty bytes for each text and eight for each place: of 17 million orders more
    than all their lines take.

    Attributes:
        text: UTF-8 of all ids, one after another.
        ends: shape (n,) int64, where each ends in `text`.
    """

    text: bytes
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, ids: Sequence[str]) -> "PackedIds":
        """These ids, packed if they are not yet."""
        if isinstance(ids, PackedIds):
            return ids
        written = [id_.encode() for id_ in ids]
        return cls(b"".join(written), np.cumsum([len(one) for one in written], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...

    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        start = self.ends[place - 1] if place else 0
        return self.text[start : self.ends[place]].decode()

    def __iter__(self) -> Iterator[str]:
        for start, end in pairwise((0, *self.ends.tolist())):
            yield self.text[start:end].decode()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedIds):
            return self.text == other.text and np.array_equal(self.ends, other.ends)
        return isinstance(other, tuple) and tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))
