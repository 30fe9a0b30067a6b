"""A shop small enough to know by heart: who bought what, what stands beside what, what sells."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from recommender.errors import SnapshotMissing, StoreUnavailable
from recommender.ranking.lists import SOURCES, RecommendationList
from recommender.snapshot.encoding import (
    FORMAT_VERSION,
    ItemRecord,
    StoredManifest,
    encode_items,
    encode_list,
    entry_key,
)
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.store import SnapshotStore

ODD_ID = "Käse/Brot 50%"

ITEMS = (
    ItemRecord("tea", title="Green tea", category="food", brand="Leaf", price=3.5),
    ItemRecord("milk", title="Milk", category="food", price=1.2, url="https://shop.example/milk"),
    ItemRecord("honey", title="Honey", category="food", price=5.0),
    ItemRecord("nails", title="Nails", category="tools", price=2.0),
    ItemRecord("hammer", title="Hammer", category="tools", price=12.0),
    ItemRecord("saw", title="Saw", category="tools", price=15.0, available=False),
    ItemRecord(ODD_ID, title="Cheese bread"),
)
POSITIONS = {item.item_id: position for position, item in enumerate(ITEMS)}

CUSTOMERS = {
    "ann": ("+tea", "honey", "hammer", "saw", "+milk"),
    "bob": ("+nails",),
    "zoë/1": ("+nails", "hammer"),
}
SIMILAR = {"tea": ("honey", "milk"), ODD_ID: ("milk",), "hammer": ("saw",)}
BOUGHT_TOGETHER = {
    "tea": ("milk", "honey"),
    "milk": ("tea", "honey"),
    "nails": ("hammer", "saw", "tea"),
    "hammer": ("nails",),
}
BEST_SELLERS = {
    "": ("tea", "milk", "nails", "hammer", "honey", "saw"),
    "food": ("tea", "milk", "honey"),
    "tools": ("nails", "hammer", "saw"),
}

GENERATED_AT = "2026-11-20T04:00:00Z"


def stored_list(places: Sequence[str], source: str) -> bytes:
    """A stored list: the last place scores 1, each place before it 1 more; + marks what was bought before."""
    return encode_list(
        RecommendationList(
            np.array([POSITIONS[place.removeprefix("+")] for place in places], np.int32),
            np.arange(len(places), 0, -1, dtype=np.float32),
            np.full(len(places), SOURCES.index(source), np.uint8),
            np.array([place.startswith("+") for place in places]),
        )
    )


def manifest(snapshot: str) -> StoredManifest:
    return StoredManifest(
        format=FORMAT_VERSION,
        snapshot=snapshot,
        generated_at=GENERATED_AT,
        data_until="2026-11-19T23:59:00Z",
        sources=SOURCES,
        n_customers=len(CUSTOMERS),
        n_items=len(ITEMS),
        item_chunks=1,
        categories=("food", "tools"),
    )


def entries(snapshot: str) -> dict[str, bytes]:
    """Everything that a published snapshot of the shop holds, by key."""
    found = {entry_key("manifest"): msgspec.json.encode(manifest(snapshot))}
    found |= {entry_key("items", str(chunk)): raw for chunk, raw in enumerate(encode_items(ITEMS))}
    for kind, lists, source in (
        ("customer", CUSTOMERS, "als"),
        ("similar", SIMILAR, "item_knn"),
        ("bought-together", BOUGHT_TOGETHER, "co_purchase"),
        ("best-sellers", BEST_SELLERS, "best_sellers"),
    ):
        found |= {entry_key(kind, id_): stored_list(places, source) for id_, places in lists.items()}
    return found


def publish(
    store: SnapshotStore, snapshot: str = "monday", changed: Mapping[str, bytes | None] | None = None
) -> None:
    """Publish the shop; `changed` replaces entries by key, None leaves one out."""
    contents: dict[str, bytes | None] = {**entries(snapshot), **(changed or {})}
    store.write(snapshot, [(key, value) for key, value in contents.items() if value is not None])
    store.activate(snapshot)


class UnreliableStore(MemoryStore):
    """A store that can be taken down or emptied, and counts how often it was asked for entries."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.emptied = False
        self.reads = 0

    def active_id(self) -> str:
        self._answer()
        if self.emptied:
            raise SnapshotMissing("nothing has been published yet")
        return super().active_id()

    def read(self, snapshot: str, keys: Sequence[str]) -> list[bytes | None]:
        self.reads += 1
        self._answer()
        return [None for _ in keys] if self.emptied else super().read(snapshot, keys)

    def _answer(self) -> None:
        if self.down:
            raise StoreUnavailable("Redis at nowhere could not be asked: it is down")


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
