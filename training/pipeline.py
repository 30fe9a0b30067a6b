"""The whole way from clean orders to a snapshot: judge on held-out weeks, then learn from everything."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.data.fingerprints import Fingerprints
from recommender.data.orders import GUEST
from recommender.models.cart_trees import CartTreesModel
from recommender.ranking.lists import SOURCES
from recommender.snapshot.directory import Lists, Snapshot, fingerprint
from recommender.snapshot.manifest import Counts, Manifest, Updated, rfc3339

from .bundles import customers_bundles, shop_bundles
from .carried import Carried
from .due_soon import due_soon
from .evaluation import evaluate
from .item_lists import cart_trees, plain_lists
from .learning import Learned, learn_from
from .list_making import all_lists
from .moment import Purchases, load_loops, purchases_at
from .progress import Progress
from .session_factors import session_factors
from .settings import Settings
from .sources import ReadOrders
from .windows import EarlierWindows, examples_before

_LIBRARIES = ("numpy", "scipy", "implicit", "lightgbm", "polars")

_NO_PART = ("source", "gate", "update")
"""Sections that say nothing of how lists are made."""


def train(read: ReadOrders, settings: Settings, *, now: datetime, progress: Progress) -> Snapshot:
    """Learn from orders and make every list of a snapshot.

    Args:
        read: clean orders, catalog and findings.
        settings: of models, lists and evaluation.
        now: moment of the training, for the manifest only; models look back from the newest order.
        progress: hears of every step.

    Raises:
        DataError: there is no purchase to learn from.
    """
    load_loops(progress)
    earlier = EarlierWindows()
    verdict = evaluate(read, settings, earlier=earlier, progress=progress)
    newest = read.orders.last_time
    # The judge's models are what the last window's examples are made of; then they can go.
    examples = examples_before(
        read.orders, read.catalog, settings, now=newest, earlier=earlier, progress=progress
    )
    purchases = purchases_at(read.orders, read.catalog, settings, newest, progress)
    carried, fingerprints = Carried.nothing(purchases), Fingerprints.of(purchases.orders)
    facts = DataFacts.of(read, purchases)
    trees = cart_trees(purchases, settings, progress)
    plain = plain_lists(purchases, read.places, settings, progress, trees=trees, carried=carried)
    due = due_soon(purchases, settings, progress)
    bundles = shop_bundles(purchases, plain, settings, progress, carried=carried)
    learned = learn_from(purchases, examples, settings, progress)
    # Customers' lists need the room that these take, where nobody else holds them.
    del read, purchases
    lists = all_lists(learned, plain, settings, progress, carried=carried)
    own = customers_bundles(bundles, lists, learned, due, settings, progress)
    return snapshot_of(
        facts,
        learned,
        lists,
        settings,
        trees=trees,
        fingerprints=fingerprints,
        due=due,
        bundles=bundles,
        own_bundles=own,
        figures=None if verdict is None else plain_values(asdict(verdict)),
        now=now,
    )


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a manifest says of the orders.

    Attributes:
        data_from, data_until: time of the first and the last line.
        fingerprint: of all lines.
        counts: of what was learned from.
        findings: what was odd, as plain data.
    """

    data_from: str
    data_until: str
    fingerprint: str
    counts: Counts
    findings: list[dict[str, object]]

    @classmethod
    def of(cls, read: ReadOrders, purchases: Purchases) -> "DataFacts":
        """The facts of orders, and of what there was to learn from in them."""
        orders, net = read.orders, purchases.orders
        known = net.customer[net.customer != GUEST]
        heard = purchases.history.interest
        interest = msgspec.UNSET if heard is None else len(heard.item)
        return cls(
            data_from=rfc3339(orders.first_time),
            data_until=rfc3339(orders.last_time),
            fingerprint=fingerprint(orders),
            counts=Counts(len(net), _different(net.order), _different(known), len(net.items), interest),
            findings=read.findings.to_json(),
        )


def snapshot_of(
    facts: DataFacts,
    learned: Learned,
    lists: Lists,
    settings: Settings,
    *,
    trees: CartTreesModel | None,
    fingerprints: Fingerprints | None,
    due: DueTable | None = None,
    bundles: BundleTable | None = None,
    own_bundles: OwnBundles | None = None,
    figures: Mapping[str, object] | None,
    now: datetime,
    updated: Updated | msgspec.UnsetType = msgspec.UNSET,
    full_seconds: float | msgspec.UnsetType = msgspec.UNSET,
) -> Snapshot:
    """Everything that was learned and made, with what it says about itself; arguments as in `Manifest`."""
    manifest = Manifest(
        snapshot="",
        generated_at=rfc3339(int(now.timestamp())),
        data_from=facts.data_from,
        data_until=facts.data_until,
        data_fingerprint=facts.fingerprint,
        counts=facts.counts,
        sources=SOURCES,
        ranked_by=learned.ranked_by,
        settings=noted_settings(settings),
        figures=figures,
        versions=versions(),
        files={},
        updated=updated,
        full_seconds=full_seconds,
    )
    return Snapshot(
        manifest=manifest,
        catalog=learned.catalog,
        customers=learned.customers,
        lists=lists,
        models=learned.models,
        ranker=learned.ranker,
        findings=facts.findings,
        cart_trees=trees,
        fingerprints=fingerprints,
        due=due,
        bundles=bundles,
        own_bundles=own_bundles,
        session_factors=session_factors(learned, lists, settings),
    )


def _different(positions: NDArray[np.int32]) -> int:
    """How many different ones there are."""
    return int(np.count_nonzero(np.bincount(positions)))


def timed(snapshot: Snapshot, seconds: float) -> Snapshot:
    """The snapshot with a word on how long its training took; an update keeps that of the last full run."""
    if isinstance(snapshot.manifest.updated, Updated):
        return snapshot
    manifest = msgspec.structs.replace(snapshot.manifest, full_seconds=round(seconds, 1))
    return replace(snapshot, manifest=manifest)


def noted_settings(settings: Settings) -> Mapping[str, Any]:
    """The settings that a manifest keeps: those that say how lists are made."""
    kept = {key: value for key, value in asdict(settings).items() if key not in _NO_PART}
    return dict(plain_values(kept))


def versions() -> Mapping[str, str]:
    """What has a say in the numbers, in which version."""
    return {"python": platform.python_version()} | {name: version(name) for name in ("cartlift", *_LIBRARIES)}


def plain_values(value: Any) -> Any:
    """Dataclass contents as JSON has them, so that a manifest reads back equal to what was written."""
    match value:
        case dict():
            return {str(key): plain_values(entry) for key, entry in value.items() if entry is not None}
        case list() | tuple():
            return [plain_values(entry) for entry in value]
        case _:
            return value
