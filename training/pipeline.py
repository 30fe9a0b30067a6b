"""The whole way from clean orders to a snapshot: judge on held-out weeks, then learn from everything."""

import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from recommender.data.orders import GUEST, OrderLog
from recommender.errors import DataError
from recommender.evaluation.judge import Verdict
from recommender.models.protocol import RelatesItems
from recommender.ranking import build
from recommender.ranking.lists import SOURCES, ListTable
from recommender.snapshot.directory import Lists, Snapshot, fingerprint
from recommender.snapshot.manifest import Counts, Manifest, rfc3339

from .evaluation import evaluate
from .learning import EarlierWindows, Learned, learn, recommended
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders

_LIBRARIES = ("numpy", "scipy", "implicit", "lightgbm", "polars")


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
    earlier = EarlierWindows()
    verdict = evaluate(read, settings, earlier=earlier, progress=progress)
    learned = learn(
        read.orders, read.catalog, settings, now=read.orders.last_time, earlier=earlier, progress=progress
    )
    lists = _all_lists(learned, settings, progress)
    return Snapshot(
        manifest=_manifest(read.orders, learned, settings, verdict, now),
        catalog=learned.catalog,
        customers=learned.orders.customers,
        lists=lists,
        models=learned.models,
        ranker=learned.ranker,
        findings=read.findings.to_json(),
    )


def _all_lists(learned: Learned, settings: Settings, progress: Progress) -> Lists:
    everyone = np.arange(len(learned.history.customers), dtype=np.int32)
    customer_lists = recommended(learned, settings, everyone, progress)
    # Nothing is known of who returned everything, or bought only what is too rare to be recommended:
    # an empty list lets the service say so, and answer with best sellers under their own name.
    known = np.diff(learned.bought.indptr) > 0
    customer_lists = customer_lists.keep(known[customer_lists.row_of_place()])
    if not learned.eligible.any():
        raise DataError(
            "nothing may be recommended: every item is unavailable, or was not sold for "
            f"{settings.lists.retired_after_days:g} days ([lists] retired_after_days)"
        )
    with progress.step("Write item lists"):
        names, category = learned.catalog.categories()
        sold = np.where(learned.eligible, learned.models["best_sellers"].sold, 0)
        return Lists(
            recommended=customer_lists,
            similar=_related(learned, "item_knn", settings.lists.length),
            bought_together=_related(learned, "co_purchase", settings.lists.length),
            best_sellers=build.best_sellers(sold, category, len(names), settings.lists.length),
            groups=("", *names),
        )


def _related(learned: Learned, name: str, length: int) -> ListTable:
    model = learned.models[name]
    if not isinstance(model, RelatesItems):
        raise TypeError(f"{name} does not relate items")
    return build.related(model.neighbours, name, learned.eligible, length)


def _manifest(
    orders: OrderLog, learned: Learned, settings: Settings, verdict: Verdict | None, now: datetime
) -> Manifest:
    net = learned.orders
    known = net.customer[net.customer != GUEST]
    return Manifest(
        snapshot="",
        generated_at=rfc3339(int(now.timestamp())),
        data_from=rfc3339(orders.first_time),
        data_until=rfc3339(orders.last_time),
        data_fingerprint=fingerprint(orders),
        counts=Counts(len(net), len(np.unique(net.order)), len(np.unique(known)), len(net.items)),
        sources=SOURCES,
        ranked_by=learned.ranked_by,
        settings=_plain(
            {key: value for key, value in asdict(settings).items() if key not in ("source", "gate")}
        ),
        figures=None if verdict is None else _plain(asdict(verdict)),
        versions={"python": platform.python_version()}
        | {name: version(name) for name in ("cartlift", *_LIBRARIES)},
        files={},
    )


def _plain(value: Any) -> Any:
    """Dataclass contents as JSON has them, so that a manifest reads back equal to what was written."""
    match value:
        case dict():
            return {str(key): _plain(entry) for key, entry in value.items() if entry is not None}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case _:
            return value
