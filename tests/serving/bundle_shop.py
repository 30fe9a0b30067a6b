"""The small shop with bundles."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from recommender.campaigns.bundle_table import LARGEST, NO_ITEM, BundleTable
from recommender.snapshot.bundle_rows import LAYOUT, bundle_entries, places_of
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.store import SnapshotStore
from tests.serving.small_shop import POSITIONS, manifest, publish

BUNDLES = (
    ("tea", "honey"),
    ("nails", "hammer"),
    ("tea", "milk", "honey"),
    ("milk", "honey"),
    ("nails", "saw"),
)
"""The best first; each orders ten times what the next does. The saw is not to be had."""

CUSTOMERS = {
    # number of the bundle, of what is owned, of what is due
    "ann": ((0, ("tea",), ("tea",)), (3, ("milk",), ())),
    "zoë/1": ((1, ("nails",), ()),),
}


def bundle_table(bundles: Sequence[Sequence[str]] = BUNDLES) -> BundleTable:
    items = np.full((len(bundles), LARGEST), NO_ITEM, np.int32)
    for row, ids in enumerate(bundles):
        items[row, : len(ids)] = sorted(POSITIONS[id_] for id_ in ids)
    falling = np.arange(len(bundles), 0, -1)
    return BundleTable(
        items=items,
        orders=(falling * 10).astype(np.int32),
        customers=(falling * 8).astype(np.int32),
        lift=(falling * 2).astype(np.float32),
        lift_low=falling.astype(np.float32),
        chance=(falling / 100).astype(np.float32),
        discount=np.full(len(bundles), 10, np.uint8),
    )


def stored_bundles(chosen: Sequence[tuple[int, Sequence[str], Sequence[str]]]) -> bytes:
    table = bundle_table()

    def bits(bundle: int, ids: Sequence[str]) -> int:
        places = table.items[bundle].tolist()
        return sum(1 << places.index(POSITIONS[id_]) for id_ in ids)

    columns = (
        np.array([number for number, _, _ in chosen], np.int32),
        np.array([bits(number, owned) for number, owned, _ in chosen], np.uint8),
        np.array([bits(number, due) for number, _, due in chosen], np.uint8),
    )
    return bytes([LAYOUT]) + places_of(*columns).tobytes()


def publish_bundles(
    store: SnapshotStore, snapshot: str = "monday", changed: Mapping[str, bytes | None] | None = None
) -> None:
    """Publish the small shop with its bundles; `changed` as of `publish`."""
    stored = msgspec.structs.replace(manifest(snapshot), bundle_chunks=1)
    found: dict[str, bytes | None] = {entry_key("manifest"): msgspec.json.encode(stored)}
    found |= dict(bundle_entries(bundle_table()))
    found |= {entry_key("bundles", id_): stored_bundles(chosen) for id_, chosen in CUSTOMERS.items()}
    publish(store, snapshot, {**found, **(changed or {})})
