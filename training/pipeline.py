"""The whole way from clean orders to a snapshot: judge on held-out weeks, then learn from everything."""

import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.data.orders import GUEST, OrderLog
from recommender.data.places import Places
from recommender.errors import DataError
from recommender.evaluation.judge import Verdict
from recommender.models.protocol import RelatesItems
from recommender.ranking import build
from recommender.ranking.lists import SOURCES, ListTable
from recommender.ranking.pair_evidence import evidence_of
from recommender.ranking.past_orders import past_orders
from recommender.ranking.purchase_reasons import purchase_reasons
from recommender.ranking.reasons import POPULAR_PLACES
from recommender.snapshot.directory import Lists, Snapshot, fingerprint
from recommender.snapshot.manifest import Counts, Manifest, rfc3339

from .evaluation import evaluate
from .learning import EarlierWindows, Learned, bought_together, learn, recommended, similar_items
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders

_LIBRARIES = ("numpy", "scipy", "implicit", "lightgbm", "polars")
_REASONS_OF = ("item_knn", "co_purchase")
"""Models that are asked for a reason: first what the same customers buy, then what the same orders hold."""


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
    lists = _all_lists(learned, read.places, settings, progress)
    return Snapshot(
        manifest=_manifest(read.orders, learned, settings, verdict, now),
        catalog=learned.catalog,
        customers=learned.orders.customers,
        lists=lists,
        models=learned.models,
        ranker=learned.ranker,
        findings=read.findings.to_json(),
    )


def _all_lists(learned: Learned, places: Places, settings: Settings, progress: Progress) -> Lists:
    everyone = np.arange(len(learned.history.customers), dtype=np.int32)
    customer_lists = recommended(learned, settings, everyone, progress)
    # Nothing is known of who returned everything, or bought only what is too rare to be recommended:
    # an empty list lets the service say so, and answer with best sellers under their own name.
    known = np.diff(learned.bought.indptr) > 0
    customer_lists = customer_lists.keep(known[customer_lists.row_of_place()])
    if not learned.eligible.any():
        raise DataError(
            "nothing may be recommended: every item is unavailable, was not sold for "
            f"{settings.lists.retired_after_days:g} days ([lists] retired_after_days), or too seldom at all "
            "([lists] min_item_lines)"
        )
    with progress.step("Write item lists"):
        names, category = learned.catalog.categories()
        sold = np.where(learned.eligible, learned.models["best_sellers"].sold, 0)
        best_sellers = build.best_sellers(sold, category, len(names), settings.lists.length)
        local = settings.models.local_best_sellers.fit(learned.orders, places, learned.split.cut)
    similar = similar_items(learned, settings, progress)
    together = bought_together(learned, settings, progress)
    with progress.step("Give reasons"):
        popular = best_sellers.first(POPULAR_PLACES)
        evidence = evidence_of(learned.history, together)
        reasons = purchase_reasons(
            customer_lists,
            learned.tables,
            # Only a model that had a say can be a reason.
            [
                _relating(learned, name)
                for name in _REASONS_OF
                if name in settings.blend.asked(learned.models)
            ],
            popular=_stands_in(popular, slice(0, 1), len(category)),
            popular_in_category=_stands_in(popular, slice(1, 1 + len(names)), len(category)),
        )
    return Lists(
        recommended=customer_lists,
        reasons=reasons,
        past_orders=past_orders(learned.history, learned.eligible),
        similar=similar,
        bought_together=together,
        evidence=evidence,
        best_sellers=best_sellers,
        groups=("", *names),
        local_best_sellers=build.local_best_sellers(local, learned.eligible, settings.lists.length),
        places=local.names,
    )


def _relating(learned: Learned, name: str) -> RelatesItems:
    model = learned.models[name]
    if not isinstance(model, RelatesItems):
        raise TypeError(f"{name} does not relate items")
    return model


def _stands_in(table: ListTable, rows: slice, n_items: int) -> NDArray[np.bool_]:
    """Which items stand in one of these rows, shape (n_items,)."""
    listed = np.zeros(n_items, bool)
    listed[table.items[table.starts[rows.start] : table.starts[rows.stop]]] = True
    return listed


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
