"""The whole way from clean orders to a snapshot: judge on held-out weeks, then learn from everything."""

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import GUEST, OrderLog
from recommender.data.returns import net_of_returns
from recommender.errors import DataError
from recommender.evaluation.judge import K, Verdict, judge
from recommender.evaluation.split import TemporalSplit, known_items
from recommender.models.protocol import RelatesItems
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.lists import SOURCES, ListTable
from recommender.snapshot.directory import Lists, Snapshot, fingerprint
from recommender.snapshot.manifest import Counts, Manifest, rfc3339

from .progress import Progress
from .settings import Settings
from .sources import ReadOrders

_LIBRARIES = ("numpy", "scipy", "implicit", "polars")


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything learned at one moment, ready to make lists.

    Attributes:
        history: what was learned from.
        models: fitted models by name, every one a `FittedModel`.
        bought: shape (n_customers, n_items), positive where bought before.
        eligible: shape (n_items,), False forbids an item.
    """

    history: PurchaseHistory
    models: Mapping[str, Any]
    bought: csr_array
    eligible: NDArray[np.bool_]


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
    verdict = evaluate(read, settings, progress=progress)
    with progress.step("Take off returns"):
        known = known_items(read.orders, settings.lists.min_item_lines)
        orders = net_of_returns(read.orders.keep_items(known)).orders
    if len(orders) == 0:
        raise DataError(
            "there is no purchase to learn from: every line was a return, or was put aside (see the findings)"
        )
    catalog = read.catalog.align(orders.items)
    learned = learn(orders, catalog, settings, now=read.orders.last_time, progress=progress)
    lists = _all_lists(learned, catalog, settings, progress)
    return Snapshot(
        manifest=_manifest(read.orders, orders, settings, verdict, now),
        catalog=catalog,
        customers=orders.customers,
        lists=lists,
        models=learned.models,
        findings=read.findings.to_json(),
    )


def evaluate(read: ReadOrders, settings: Settings, *, progress: Progress) -> Verdict | None:
    """Judge the lists that would have been published before the last days, on those days.

    Returns:
        None where the history is not at least three times as long as the days to predict, or nobody
        who ordered before ordered again.
    """
    days, orders = settings.evaluation.days, read.orders
    if orders.last_time - orders.first_time < 3 * days * DAY:
        return None
    cut = orders.last_time - int(days * DAY)
    with progress.step(f"Hold out the last {days:g} days"):
        split = TemporalSplit.at(orders, cut, days=days, min_item_lines=settings.lists.min_item_lines)
    truth = split.truth()
    judged = np.flatnonzero(np.diff(truth.indptr)).astype(np.int32)
    if len(judged) == 0:
        return None
    # What the shop has taken off sale by today was on sale then: nothing of that may be known here.
    catalog = Catalog.unknown(split.train.items)
    learned = learn(split.train, catalog, settings, now=cut, progress=progress)
    lists = _recommended(learned, settings, judged, progress)
    with progress.step("Judge against best sellers"):
        baseline = _best_seller_lists(learned, judged, settings.lists.length)
        tasks = judge(lists, baseline, truth[judged], learned.bought[judged])
    return Verdict(cut, days, K, tasks)


def learn(orders: OrderLog, catalog: Catalog, settings: Settings, *, now: int, progress: Progress) -> Learned:
    """Fit every model on net purchases, seen at `now` (seconds since 1970 UTC)."""
    history = PurchaseHistory.at(orders, now)
    models = {}
    for field in fields(settings.models):
        with progress.step(f"Learn {field.name}"):
            models[field.name] = getattr(settings.models, field.name).fit(history)
    return Learned(
        history=history,
        models=models,
        bought=history.interactions(half_life_days=np.inf),
        eligible=eligible_items(history, catalog, retired_after_days=settings.lists.retired_after_days),
    )


def _all_lists(learned: Learned, catalog: Catalog, settings: Settings, progress: Progress) -> Lists:
    everyone = np.arange(len(learned.history.customers), dtype=np.int32)
    recommended = _recommended(learned, settings, everyone, progress)
    # Nothing is known of who returned everything, or bought only what is too rare to be recommended:
    # an empty list lets the service say so, and answer with best sellers under their own name.
    known = np.diff(learned.bought.indptr) > 0
    recommended = recommended.keep(known[recommended.row_of_place()])
    if not learned.eligible.any():
        raise DataError(
            "nothing may be recommended: every item is unavailable, or was not sold for "
            f"{settings.lists.retired_after_days:g} days ([lists] retired_after_days)"
        )
    with progress.step("Write item lists"):
        names, category = _categories(catalog)
        sold = np.where(learned.eligible, learned.models["best_sellers"].sold, 0)
        return Lists(
            recommended=recommended,
            similar=_related(learned, "item_knn", settings.lists.length),
            bought_together=_related(learned, "co_purchase", settings.lists.length),
            best_sellers=build.best_sellers(sold, category, len(names), settings.lists.length),
            groups=("", *names),
        )


def _recommended(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    with progress.step("Write customer lists", total=len(customers)) as advance:
        return build.recommend(
            learned.models,
            settings.blend,
            customers,
            bought=learned.bought,
            eligible=learned.eligible,
            length=settings.lists.length,
            per_model=settings.lists.candidates_per_model,
            progress=advance,
        )


def _best_seller_lists(learned: Learned, customers: NDArray[np.int32], length: int) -> ListTable:
    """Best sellers under the same rules as the lists: the customer's own purchases are flagged."""
    only = {"best_sellers": learned.models["best_sellers"]}
    return build.recommend(
        only, Blend(), customers, bought=learned.bought, eligible=learned.eligible, length=length
    )  # fmt: skip


def _related(learned: Learned, name: str, length: int) -> ListTable:
    model = learned.models[name]
    if not isinstance(model, RelatesItems):
        raise TypeError(f"{name} does not relate items")
    return build.related(model.neighbours, name, learned.eligible, length)


def _categories(catalog: Catalog) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names of the categories, sorted, and the number of each item's category, -1 for none."""
    names = tuple(sorted({category for category in catalog.category if category}))
    number = {name: n for n, name in enumerate(names)}
    return names, np.array([number.get(category or "", -1) for category in catalog.category], np.int32)


def _manifest(
    orders: OrderLog, net: OrderLog, settings: Settings, verdict: Verdict | None, now: datetime
) -> Manifest:
    known = net.customer[net.customer != GUEST]
    return Manifest(
        snapshot="",
        generated_at=rfc3339(int(now.timestamp())),
        data_from=rfc3339(orders.first_time),
        data_until=rfc3339(orders.last_time),
        data_fingerprint=fingerprint(orders),
        counts=Counts(len(net), len(np.unique(net.order)), len(np.unique(known)), len(net.items)),
        sources=SOURCES,
        settings=_plain({key: value for key, value in asdict(settings).items() if key != "source"}),
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
