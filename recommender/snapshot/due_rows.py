"""How what is due again looks in bytes. Public: docs/snapshot-format.md.

A row begins with the byte 7. For each item follow its position, a little-endian uint32; the chances of a
purchase within 7, 14 and 30 days, a byte each, in 255 steps from 0 to 1; and the likely day, the first and
the last of the interval around it, a byte each, 0 where none could be told.

Only numpy, because the service imports this on its way up.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.errors import SnapshotUnreadable
from recommender.ranking.due_list import HORIZONS, DueList

LAYOUT = 7

PLACE = np.dtype(
    [("item", "<u4"), ("chance", "u1", (len(HORIZONS),)), ("day", "u1"), ("first", "u1"), ("last", "u1")]
)
"""One item of a row."""

_STEPS = 255


def places_of(
    items: NDArray[np.int32],
    chance: NDArray[np.float32],
    day: NDArray[np.integer],
    first: NDArray[np.integer],
    last: NDArray[np.integer],
) -> NDArray[np.void]:
    """Items as they are stored, shape (n,) of `PLACE`; arguments as of `DueList`."""
    places = np.empty(len(items), PLACE)
    places["item"], places["chance"] = items, np.round(chance * _STEPS)
    places["day"], places["first"], places["last"] = day, first, last
    return places


def decode_due(row: bytes, n_items: int) -> DueList:
    """A row as it was written.

    Args:
        row: the stored entry.
        n_items: length of the item table.

    Raises:
        SnapshotUnreadable: it is damaged, or means nothing.
    """
    if not row or row[0] != LAYOUT or (len(row) - 1) % PLACE.itemsize:
        raise SnapshotUnreadable("what is due again is not whole: publish the snapshot again")
    places = np.frombuffer(row, PLACE, offset=1)
    items = places["item"].astype(np.int64)
    if items.max(initial=0) >= n_items or len(np.unique(items)) != len(items):
        raise SnapshotUnreadable("what is due again names no items of the table: publish the snapshot again")
    return DueList.of(
        items.astype(np.int32),
        places["chance"].astype(np.float32) / np.float32(_STEPS),
        places["day"],
        places["first"],
        places["last"],
    )
