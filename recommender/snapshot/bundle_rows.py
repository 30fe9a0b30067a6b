"""How bundles of shops and of customers look in bytes. Public: docs/snapshot-format.md.

The shop's are records of four item positions (little-endian int32, -1 after the last), orders and customers
(uint32), lift, its lower end and the chance of a completion (float32), and the discount (a byte, per cent).

A customer's row begins with the byte 8. For each bundle follow its number, a little-endian uint32, and a
byte: its lower half has a bit for each place of the bundle whose item the customer has, the upper half one
for each that is due to be bought again.

Only numpy, because the service imports this on its way up.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, BundleTable
from recommender.errors import SnapshotUnreadable
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.store import Entry

LAYOUT = 8

PLACE = np.dtype([("bundle", "<u4"), ("parts", "u1")])
"""One bundle of a row."""

BUNDLES_PER_CHUNK = 10_000

_RECORD = np.dtype(
    [("items", "<i4", (LARGEST,)), ("orders", "<u4"), ("customers", "<u4"), ("lift", "<f4"),
     ("lift_low", "<f4"), ("chance", "<f4"), ("discount", "u1")]
)  # fmt: skip
_AGAIN = "publish the snapshot again"


def chunks_of(table: BundleTable) -> int:
    """How many entries a shop's bundles are."""
    return -(-len(table) // BUNDLES_PER_CHUNK)


def bundle_key(chunk: int) -> str:
    """Key of a part of a shop's bundles."""
    return entry_key("bundle-table", str(chunk))


def bundle_entries(table: BundleTable) -> Iterator[Entry]:
    """A shop's bundles, in parts."""
    records = np.empty(len(table), _RECORD)
    for name in _RECORD.names or ():
        records[name] = getattr(table, name)
    for chunk in range(chunks_of(table)):
        some = records[chunk * BUNDLES_PER_CHUNK : (chunk + 1) * BUNDLES_PER_CHUNK]
        yield bundle_key(chunk), some.tobytes()


def decode_bundles(chunks: Sequence[bytes], n_items: int) -> BundleTable:
    """A shop's bundles as they were written.

    Args:
        chunks: all parts, in order.
        n_items: length of the item table.

    Raises:
        SnapshotUnreadable: one is damaged, or names items that the table does not have.
    """
    raw = b"".join(chunks)
    if len(raw) % _RECORD.itemsize:
        raise SnapshotUnreadable(f"its bundles are not whole: {_AGAIN}")
    records = np.frombuffer(raw, _RECORD)
    items = records["items"].astype(np.int32)
    there = items != NO_ITEM
    sound = ((items >= 0) | ~there).all() and items.max(initial=0) < n_items
    # At least two, rising, and nothing after the last.
    rising = (np.diff(items, axis=1) > 0) | ~there[:, 1:]
    if not (sound and rising.all() and there[:, :2].all() and (there[:, 2:] <= there[:, 1:-1]).all()):
        raise SnapshotUnreadable(f"a bundle is of no items that it has: {_AGAIN}")
    lift, lift_low, chance = (records[name].astype(np.float32) for name in ("lift", "lift_low", "chance"))
    if not np.isfinite(lift + lift_low + chance).all():
        raise SnapshotUnreadable(f"a bundle has a figure that is no finite number: {_AGAIN}")
    orders, customers = (records[name].astype(np.int32) for name in ("orders", "customers"))
    return BundleTable(items, orders, customers, lift, lift_low, chance, records["discount"].copy())


def places_of(
    bundles: NDArray[np.int32], owned: NDArray[np.uint8], due: NDArray[np.uint8]
) -> NDArray[np.void]:
    """Bundles of customers as they are stored, shape (n,) of `PLACE`; arguments as of `OwnBundles`."""
    places = np.empty(len(bundles), PLACE)
    places["bundle"], places["parts"] = bundles, owned | due << LARGEST
    return places


def decode_own(row: bytes, n_bundles: int) -> NDArray[np.void]:
    """A customer's bundles as they were written, shape (n,) of `PLACE`.

    Args:
        row: the stored entry.
        n_bundles: how many the shop has.

    Raises:
        SnapshotUnreadable: it is damaged, or means nothing.
    """
    if not row or row[0] != LAYOUT or (len(row) - 1) % PLACE.itemsize:
        raise SnapshotUnreadable(f"a customer's bundles are not whole: {_AGAIN}")
    places = np.frombuffer(row, PLACE, offset=1)
    numbers = places["bundle"]
    if (numbers >= n_bundles).any() or len(np.unique(numbers)) < len(numbers):
        raise SnapshotUnreadable(f"a customer's bundles are none of the shop's: {_AGAIN}")
    return places
