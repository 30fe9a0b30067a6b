"""What there is to learn from at one moment, and the models fitted on it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.newcomers import days_on_sale
from recommender.data.orders import OrderLog
from recommender.data.shared_entries import SharedEntries
from recommender.data.vocabulary import Vocabulary
from recommender.errors import DataError
from recommender.evaluation.split import TemporalSplit
from recommender.models.als import AlsStart
from recommender.models.registry import MODELS
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.features import FeatureTables
from recommender.ranking.ranker import TreeRanker
from recommender.ranking.warm_up import warm_up

from .progress import Progress
from .settings import Settings

_ALWAYS = ("best_sellers", "als")
"""Models that more than customers' lists are made of; others are only learned where the blend asks them."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """What there is to learn from at one moment, and what may be recommended then.

    Attributes:
        split: what was known then, and what was bought in the days after it, as far as that is known.
        catalog: what is known of the items, in the order of the split's vocabulary.
        history: the purchases, seen at that moment.
        eligible: shape (n_items,), False forbids an item.
        newcomers: shape (n_items,), items that need not have sold; see `NewItems`.
    """

    split: TemporalSplit
    catalog: Catalog
    history: PurchaseHistory
    eligible: NDArray[np.bool_]
    newcomers: NDArray[np.bool_]

    @classmethod
    def of(cls, split: TemporalSplit, catalog: Catalog, settings: Settings) -> "Purchases":
        """Those that a split knows at its cut; the catalog may be in any order."""
        catalog, history = catalog.align(split.train.items), PurchaseHistory.at(split.train, split.cut)
        newcomers = settings.new_items.among(catalog, split.train, split.cut)
        days = settings.lists.retired_after_days
        eligible = eligible_items(history, catalog, retired_after_days=days, newcomers=newcomers)
        return cls(split, catalog, history, eligible, newcomers)

    @property
    def orders(self) -> OrderLog:
        """Purchases of known items, returns taken off."""
        return self.split.train


@dataclass(frozen=True, slots=True)
class Moment:
    """The models as they stand at one moment, and what they make lists of; the purchases are let go.

    Attributes:
        cut: that moment, seconds since 1970 UTC.
        newest: time of the newest line that was learned from, seconds since 1970 UTC.
        customers: labels of the customers.
        catalog: what is known of the items.
        eligible: shape (n_items,), False forbids an item.
        unproven: shape (n_items,), new items with fewer order lines than others need to be known.
        models: fitted models by name, every one a `FittedModel`.
        tables: what the ranker may know of customers and items.
        bought: shape (n_customers, n_items), positive where bought before.
    """

    cut: int
    newest: int
    customers: Vocabulary
    catalog: Catalog
    eligible: NDArray[np.bool_]
    unproven: NDArray[np.bool_]
    models: Mapping[str, Any]
    tables: FeatureTables
    bought: csr_array


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier training left that a later one goes on from.

    Attributes:
        starts: by the names of models, what these can go on from.
        ranker: see `Learned`.
        ranked_by: see `Learned`.
    """

    starts: Mapping[str, AlsStart]
    ranker: TreeRanker | None
    ranked_by: str


def load_loops(progress: Progress) -> None:
    """Load the compiled loops, before the first of them is needed: to compile them takes a while."""
    with progress.step("Load the compiled loops (a first time compiles them)"):
        warm_up()


def purchases_at(
    orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> Purchases:
    """What there is to learn from at a cut.

    Args:
        orders: the shop's clean log, until the cut or longer.
        catalog: what the shop says about its items, in any order.
        settings: of what counts as known, new and retired.
        cut: seconds since 1970 UTC.
        progress: hears of every step.

    Raises:
        DataError: there is nothing.
    """
    split = known_split(orders, catalog, settings, cut, progress)
    if len(split.train) == 0:
        raise DataError(
            "there is no purchase to learn from: all was sent back, or was put aside (see the findings)"
        )
    return Purchases.of(split, catalog, settings)


def known_split(
    orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> TemporalSplit:
    """What is learned from at a cut; the catalog's newcomers are among the known items."""
    days, bar = settings.evaluation.days, settings.lists.min_item_lines
    with progress.step("Take off returns"):
        is_new = settings.new_items.among(catalog, orders.until(cut), cut)
        new = [catalog.items.ids[int(item)] for item in np.flatnonzero(is_new)]
        return TemporalSplit.at(orders, cut, days=days, min_item_lines=bar, newcomers=new)


def fitted_moment(
    purchases: Purchases, settings: Settings, progress: Progress, known: Known | None = None
) -> Moment:
    """Every model that the blend asks, fitted on purchases.

    Args:
        purchases: what there is to learn from.
        settings: of models and lists.
        progress: hears of every step.
        known: what was learned some days ago, for ALS to go on from.
    """
    history, catalog = purchases.history, purchases.catalog
    models: dict[str, Any] = {}
    # Most models keep who bought what, each with weights of its own.
    entries, bought = SharedEntries(), history.interactions(half_life_days=np.inf)
    entries.share(bought)
    for name in MODELS:
        if settings.blend.counts(name) or name in _ALWAYS:
            with progress.step(f"Learn {name}"):
                models[name] = _fitted(name, settings, history, known)
            for matrix in _matrices(models[name]):
                entries.share(matrix)
    with progress.step("Learn content"):
        on_sale = days_on_sale(history, catalog, purchases.split.cut)
        models["content"] = settings.models.content.fit(
            history, catalog, models["als"], newcomers=purchases.newcomers, days_on_sale=on_sale
        )
    with progress.step("Describe customers and items"):
        tables = FeatureTables.of(purchases.orders, history, catalog)
    lines = np.bincount(purchases.orders.item, minlength=len(catalog.items))
    return Moment(
        cut=purchases.split.cut,
        newest=purchases.orders.last_time,
        customers=history.customers,
        catalog=catalog,
        eligible=purchases.eligible,
        unproven=purchases.newcomers & (lines < settings.lists.min_item_lines),
        models=models,
        tables=tables,
        bought=bought,
    )


def _matrices(model: Any) -> list[csr_array]:
    values = (getattr(model, each.name) for each in fields(model))
    return [value for value in values if isinstance(value, csr_array)]


def _fitted(name: str, settings: Settings, history: PurchaseHistory, known: Known | None) -> Any:
    model = getattr(settings.models, name)
    if known is not None and name in known.starts:
        return model.fit(history, start=known.starts[name])
    return model.fit(history)
