"""A shop small enough to know by heart: who bought what, what stands beside what, what sells."""

import struct
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from recommender.errors import SnapshotMissing, StoreUnavailable
from recommender.ranking.lists import SOURCES, RecommendationList
from recommender.ranking.reasons import KINDS, ReasonKind
from recommender.snapshot.encoding import (
    FORMAT_VERSION,
    ItemRecord,
    StoredManifest,
    encode_items,
    entry_key,
)
from recommender.snapshot.memory_store import MemoryStore
from recommender.snapshot.pages import entry_of, page_key
from recommender.snapshot.rows import encode_list
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
ORDERS = {"ann": (("tea",), ("tea", "milk")), "bob": (("nails",),), "zoë/1": (("nails",),)}
"""Each customer's orders, the newest first."""
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

PLACES = {"Frankreich": ("nails", "milk", "saw")}
"""Best sellers of places."""

REASONS = {
    "ann": (
        ("bought_again", 30),
        ("because_you_bought", "tea"),
        ("popular", 0),
        ("", 0),
        ("bought_before", 2),
    ),
    "bob": (("popular_in_category", 0),),
    "zoë/1": (("bought_before", 1), ("popular_in_category", 0)),
}
"""Beside the places of `CUSTOMERS`."""

PAGES = {"customer": 2, "orders": 1, "reasons": 2}
"""Into how many pages the rows of customers are cut."""

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


def stored_orders(orders: Sequence[Sequence[str]]) -> bytes:
    """Past orders as a list: the items of one order score alike, those of a newer one 1 more."""
    places = [
        (POSITIONS[item], len(orders) - number) for number, order in enumerate(orders) for item in order
    ]
    items, scores = zip(*places, strict=True)
    return encode_list(
        RecommendationList(
            np.array(items, np.int32),
            np.array(scores, np.float32),
            np.full(len(places), SOURCES.index("buy_again"), np.uint8),
            np.ones(len(places), bool),
        )
    )


def stored_reasons(reasons: Sequence[tuple[ReasonKind, int | str]]) -> bytes:
    """Stored reasons; an item is named by its id."""
    values = [POSITIONS[value] if isinstance(value, str) else value for _, value in reasons]
    packed = [KINDS.index(kind) << 24 | value for (kind, _), value in zip(reasons, values, strict=True)]
    return struct.pack(f"<{len(packed)}I", *packed)


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
        pages=PAGES,
    )


def entries(snapshot: str) -> dict[str, bytes]:
    """Everything that a published snapshot of the shop holds, by key; rows of customers not in pages yet."""
    found = {entry_key("manifest"): msgspec.json.encode(manifest(snapshot))}
    found |= {entry_key("items", str(chunk)): raw for chunk, raw in enumerate(encode_items(ITEMS))}
    for kind, lists, source in (
        ("customer", CUSTOMERS, "als"),
        ("similar", SIMILAR, "item_knn"),
        ("bought-together", BOUGHT_TOGETHER, "co_purchase"),
        ("best-sellers", BEST_SELLERS, "best_sellers"),
        ("place", PLACES, "best_sellers"),
    ):
        found |= {entry_key(kind, id_): stored_list(places, source) for id_, places in lists.items()}
    found |= {entry_key("orders", id_): stored_orders(orders) for id_, orders in ORDERS.items()}
    found |= {entry_key("reasons", id_): stored_reasons(reasons) for id_, reasons in REASONS.items()}
    return found


def publish(
    store: SnapshotStore, snapshot: str = "monday", changed: Mapping[str, bytes | None] | None = None
) -> None:
    """Publish the shop; `changed` replaces entries and rows of customers by key, None leaves one out."""
    contents: dict[str, bytes | None] = {**entries(snapshot), **(changed or {})}
    store.write(snapshot, in_pages({key: value for key, value in contents.items() if value is not None}))
    store.activate(snapshot)


def in_pages(contents: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """The entries that hold these: rows of customers in their pages, everything else as it is."""
    pages: dict[str, dict[str, bytes]] = {
        page_key(kind, page): {} for kind, count in PAGES.items() for page in range(count)
    }
    for key, value in contents.items():
        if (page := entry_of(key, PAGES)) != key:
            pages[page][key.partition("{")[2][:-1]] = value
    plain = [(key, value) for key, value in contents.items() if entry_of(key, PAGES) == key]
    return [*plain, *((key, msgspec.msgpack.encode(rows)) for key, rows in pages.items())]


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

    def read(self, snapshot: str, keys: Sequence[str], beside: Sequence[str] = ()) -> list[bytes | None]:
        self.reads += 1
        self._answer()
        return [None for _ in (*keys, *beside)] if self.emptied else super().read(snapshot, keys, beside)

    def _answer(self) -> None:
        if self.down:
            raise StoreUnavailable("Redis at nowhere could not be asked: it is down")


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
