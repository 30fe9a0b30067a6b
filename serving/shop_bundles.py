"""The bundles of a published snapshot, as a worker holds them in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import NO_ITEM, BundlesOfItems, BundleTable
from recommender.errors import SnapshotUnreadable
from recommender.snapshot.bundle_rows import bundle_key, decode_bundles
from recommender.snapshot.encoding import StoredManifest
from recommender.snapshot.store import SnapshotStore

_OFTEN = 2
"""Bundles with one and the same item among those that a whole shop is offered."""


@dataclass(frozen=True, slots=True)
class ShopBundles:
    """Bundles, and where to find them.

    Attributes:
        table: all of them, the best first.
        of_items: those that hold an item.
        different: numbers of the best that are not all of the same items.
    """

    table: BundleTable
    of_items: BundlesOfItems
    different: NDArray[np.int64]

    def parts(self, bundle: int) -> list[int]:
        """Positions of the items of a bundle."""
        return [item for item in self.table.items[bundle].tolist() if item != NO_ITEM]


def load_bundles(store: SnapshotStore, manifest: StoredManifest) -> ShopBundles:
    """The bundles of a snapshot; of one that has none, none.

    Args:
        store: where it is published.
        manifest: of the snapshot.

    Raises:
        SnapshotUnreadable: a part is missing or damaged.
        StoreUnavailable: the store did not answer.
    """
    chunks = []
    for chunk in range(manifest.bundle_chunks):
        (raw,) = store.read(manifest.snapshot, [bundle_key(chunk)])
        if raw is None:
            raise SnapshotUnreadable(
                f"snapshot {manifest.snapshot} lacks part {chunk} of its bundles in the store: "
                "publish it again"
            )
        chunks.append(raw)
    table = decode_bundles(chunks, manifest.n_items)
    return ShopBundles(table, table.of_items(manifest.n_items), table.different(_OFTEN))
