"""What a shop says of its items between two trainings: stock, price, visibility."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import msgspec
from msgspec import Struct

from recommender.snapshot.encoding import ItemRecord

from .live_snapshot import LiveSnapshot


class ItemChange(Struct, frozen=True, omit_defaults=True):
    """What is said of one item; None leaves what the snapshot says.

    Attributes:
        stock: pieces that can be sold; an item without any is not shown.
        price: in the shop's currency.
        visible: whether it may be shown, whatever the catalog said when the snapshot was trained.
    """

    stock: int | None = None
    price: float | None = None
    visible: bool | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is said."""
        return self == ItemChange()


def changed(live: LiveSnapshot, changes: Mapping[str, ItemChange]) -> LiveSnapshot:
    """The snapshot with these changes; ids that it does not know are passed over."""
    known = {live.vocabulary.position(item_id): change for item_id, change in changes.items()}
    known.pop(-1, None)
    if not known:
        return live
    items, available = list(live.items), live.available.copy()
    for item, change in known.items():
        record = items[item]
        items[item] = _record(record, change)
        available[item] = items[item].available
    return replace(
        live, items=items, available=available, expressions=live.expressions.with_items(items, known)
    )


def _record(record: ItemRecord, change: ItemChange) -> ItemRecord:
    visible = record.available if change.visible is None else change.visible
    return msgspec.structs.replace(
        record,
        available=visible and change.stock != 0,
        price=record.price if change.price is None else change.price,
        stock=change.stock,
    )


@dataclass(frozen=True, slots=True)
class KnownChanges:
    """All changes of a shop, as of one version.

    Attributes:
        version: names this state; changes with every change. None where nothing was ever changed.
        last: how far the log of changes was read.
        changes: by item id.
    """

    version: bytes | None = None
    last: bytes = b"0-0"
    changes: Mapping[str, ItemChange] = field(default_factory=dict)


_MOST_CHANGED = 4
"""Snapshots that are kept with their changes: the live one, and those of experiments."""


class ChangedSnapshots:
    """Keeps snapshots with the latest changes, so that they are applied once and not by request."""

    def __init__(self) -> None:
        self._changed: dict[str, tuple[LiveSnapshot, bytes | None, LiveSnapshot]] = {}
        self._lock = Lock()

    def of(self, live: LiveSnapshot, known: KnownChanges) -> LiveSnapshot:
        """The snapshot with all changes."""
        with self._lock:
            base, applied, with_changes = self._changed.get(live.id, (None, None, live))
            if base is not live or applied != known.version:
                with_changes = changed(live, known.changes)
                self._changed.pop(live.id, None)
                self._changed[live.id] = live, known.version, with_changes
                while len(self._changed) > _MOST_CHANGED:
                    del self._changed[next(iter(self._changed))]
            return with_changes
