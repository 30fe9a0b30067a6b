"""The shop's ids and their positions in arrays and matrices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.data.packed_ids import PackedIds


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A shop's ids and their positions in a matrix. Position is the order of `ids`."""

    ids: Sequence[str]
    _known: dict[str, int] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Packed ids are each there once, and most of them are never looked up.
        if not isinstance(self.ids, PackedIds) and len(self._position) != len(self.ids):
            raise ValueError("a vocabulary cannot list the same id twice")

    @property
    def _position(self) -> Mapping[str, int]:
        known = self._known
        if known is None:
            known = {id_: i for i, id_ in enumerate(self.ids)}
            object.__setattr__(self, "_known", known)
        return known

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._position

    def position(self, id_: str) -> int:
        """Matrix position of one id; -1 for an id never seen in training."""
        return self._position.get(id_, -1)

    def positions(self, ids: Iterable[str]) -> NDArray[np.int32]:
        """Matrix position of each id, shape (n,); -1 for ids never seen in training."""
        return np.fromiter((self._position.get(i, -1) for i in ids), dtype=np.int32)

    def subset(self, keep: NDArray[np.bool_]) -> tuple["Vocabulary", NDArray[np.int32]]:
        """The kept ids in their old order, and where each old position went.

        Args:
            keep: shape (len(self),); True where the id stays.

        Returns:
            The smaller vocabulary, and shape (len(self),) new positions, -1 where dropped.
        """
        moved = np.full(len(self.ids), -1, dtype=np.int32)
        moved[keep] = np.arange(int(keep.sum()), dtype=np.int32)
        return Vocabulary(tuple(self.ids[i] for i in np.flatnonzero(keep).tolist())), moved
