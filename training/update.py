"""An update: yesterday's orders change a few lists, and the others are taken from the snapshot before."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from recommender.data.fingerprints import Fingerprints
from recommender.data.history import DAY
from recommender.errors import SnapshotMissing, SnapshotUnreadable
from recommender.models.als import AlsModel, AlsStart
from recommender.snapshot.directory import Snapshot, load_snapshot
from recommender.snapshot.manifest import Made, Manifest, Updated

from .bundles import customers_bundles, shop_bundles
from .carried import Carried
from .due_soon import due_soon
from .item_lists import plain_lists
from .learning import relearn
from .list_making import all_lists
from .moment import Known, load_loops, purchases_at
from .pipeline import DataFacts, noted_settings, snapshot_of, versions
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders


@dataclass(frozen=True, slots=True)
class GoesOn:
    """A snapshot that an update can go on from.

    Attributes:
        snapshot: it.
        fingerprints: what its lists went by.
    """

    snapshot: Snapshot
    fingerprints: Fingerprints


@dataclass(frozen=True, slots=True)
class StartsAnew:
    """Nothing can be carried over: a full run is due.

    Attributes:
        why: the reason, the end of a sentence.
    """

    why: str


def start_of(folder: Path | None, read: ReadOrders, settings: Settings) -> GoesOn | StartsAnew:
    """Whether an update can go on from the snapshot in a folder.

    Args:
        folder: of the snapshot before; None where there is none.
        read: all orders.
        settings: what lists are to be made by.
    """
    if folder is None:
        return StartsAnew("no snapshot to go on from was named")
    try:
        snapshot = load_snapshot(folder)
    except (SnapshotMissing, SnapshotUnreadable) as error:
        return StartsAnew(f"there is nothing to go on from: {error}")
    if snapshot.fingerprints is None:
        return StartsAnew(f"{folder} does not say what its lists went by")
    why = _differs(snapshot.manifest, settings) or _out_of_date(snapshot.manifest, read, settings)
    return StartsAnew(why) if why else GoesOn(snapshot, snapshot.fingerprints)


def update(
    read: ReadOrders, settings: Settings, start: GoesOn, *, now: datetime, progress: Progress
) -> Snapshot:
    """Learn from all orders, and make the lists of the customers and items that changed.

    What a full run learned from earlier windows is kept as it was: the ranker, what relations are worth in a
    cart, and the figures. Every model is learned anew, ALS from the item factors of before.

    Args:
        read: all orders, the catalog as it is now.
        settings: those that the snapshot before was made by.
        start: the snapshot before.
        now: moment of the update, for the manifest only.
        progress: hears of every step.

    Raises:
        DataError: there is no purchase to learn from, or nothing may be recommended.
    """
    before = start.snapshot
    starts = {
        name: AlsStart(before.catalog.items, model.item_factors)
        for name, model in before.models.items()
        if isinstance(model, AlsModel)
    }
    known = Known(starts, before.ranker, before.manifest.ranked_by)
    newest = read.orders.last_time
    load_loops(progress)
    purchases = purchases_at(read.orders, read.catalog, settings, newest, progress)
    with progress.step("Look whose lists hold"):
        fingerprints = Fingerprints.of(purchases.orders)
        carried = Carried.of(before, start.fingerprints, purchases, fingerprints)
    plain = plain_lists(purchases, read.places, settings, progress, trees=before.cart_trees, carried=carried)
    facts, due = DataFacts.of(read, purchases), due_soon(purchases, settings, progress)
    bundles = shop_bundles(purchases, plain, settings, progress, carried=carried)
    learned = relearn(purchases, settings, known=known, progress=progress)
    # As in `train`: customers' lists need the room.
    del purchases
    lists = all_lists(learned, plain, settings, progress, carried=carried)
    own = customers_bundles(bundles, lists, learned, due, settings, progress)
    return snapshot_of(
        facts,
        learned,
        lists,
        settings,
        trees=before.cart_trees,
        fingerprints=fingerprints,
        due=due,
        bundles=bundles,
        own_bundles=own,
        figures=before.manifest.figures,
        now=now,
        updated=_updated(before.manifest, carried),
        full_seconds=before.manifest.full_seconds,
    )


def last_full(manifest: Manifest) -> Updated:
    """The last full run before, or of, a snapshot, as an update says it that goes on from it."""
    nothing = Made(0, 0)
    if isinstance(manifest.updated, Updated):
        return msgspec.structs.replace(
            manifest.updated, previous=manifest.snapshot, customers=nothing, items=nothing
        )
    return Updated(
        previous=manifest.snapshot,
        full=manifest.snapshot,
        full_until=manifest.data_until,
        full_generated_at=manifest.generated_at,
        customers=nothing,
        items=nothing,
    )


def _updated(before: Manifest, carried: Carried) -> Updated:
    return msgspec.structs.replace(
        last_full(before),
        customers=Made(len(carried.new_customers), len(carried.customers)),
        items=Made(len(carried.new_items), len(carried.items)),
    )


def _differs(manifest: Manifest, settings: Settings) -> str | None:
    """What was otherwise when the snapshot was made."""
    wanted = noted_settings(settings)
    other = sorted(
        name for name in wanted.keys() | manifest.settings if wanted.get(name) != manifest.settings.get(name)
    )
    if other:
        return f"the settings have changed since, in {', '.join(f'[{name}]' for name in other)}"
    now = versions()
    newer = sorted(name for name in now if now[name] != manifest.versions.get(name))
    if newer:
        said = (f"{name} {manifest.versions.get(name, 'unknown')} → {now[name]}" for name in newer)
        return f"versions have changed since: {', '.join(said)}"
    return None


def _out_of_date(manifest: Manifest, read: ReadOrders, settings: Settings) -> str | None:
    newest = datetime.fromisoformat(manifest.data_until).timestamp()
    if newest > read.orders.last_time:
        return f"{manifest.snapshot} knows orders until {manifest.data_until}, newer than the order store's"
    full, days = last_full(manifest), settings.update.full_every_days
    # Rounded, or the hour of a day's last order would decide whether it is the seventh day or the eighth.
    past = round((read.orders.last_time - datetime.fromisoformat(full.full_until).timestamp()) / DAY)
    if past < days:
        return None
    return (
        f"the orders are {past} days newer than those of the last full run, {full.full} "
        f"([update] full_every_days = {days:g})"
    )
