"""What is learned at one moment, and the lists that come of it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.data.returns import net_of_returns
from recommender.errors import DataError
from recommender.evaluation.split import known_items
from recommender.ranking import build
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.lists import ListTable

from .progress import Progress
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything learned at one moment, ready to make lists.

    Attributes:
        orders: what was learned from: purchases of known items, returns taken off.
        catalog: what is known of the items, in the same order.
        history: the purchases, seen at that moment.
        models: fitted models by name, every one a `FittedModel`.
        bought: shape (n_customers, n_items), positive where bought before.
        eligible: shape (n_items,), False forbids an item.
    """

    orders: OrderLog
    catalog: Catalog
    history: PurchaseHistory
    models: Mapping[str, Any]
    bought: csr_array
    eligible: NDArray[np.bool_]


def learn(orders: OrderLog, catalog: Catalog, settings: Settings, *, now: int, progress: Progress) -> Learned:
    """Fit every model on what was known at a moment.

    Args:
        orders: the shop's whole clean log; what came after `now` is not looked at.
        catalog: what the shop says about its items, in any order.
        settings: of models and lists.
        now: seconds since 1970 UTC.
        progress: hears of every step.

    Raises:
        DataError: there is no purchase to learn from.
    """
    net = _known_purchases(orders.until(now), settings.lists.min_item_lines)
    if len(net) == 0:
        raise DataError(
            "there is no purchase to learn from: every line was a return, or was put aside (see the findings)"
        )
    catalog, history = catalog.align(net.items), PurchaseHistory.at(net, now)
    models = {}
    for field in fields(settings.models):
        with progress.step(f"Learn {field.name}"):
            models[field.name] = getattr(settings.models, field.name).fit(history)
    return Learned(
        orders=net,
        catalog=catalog,
        history=history,
        models=models,
        bought=history.interactions(half_life_days=np.inf),
        eligible=eligible_items(history, catalog, retired_after_days=settings.lists.retired_after_days),
    )


def recommended(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    """The lists of these customers, as they are published."""
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


def _known_purchases(orders: OrderLog, min_item_lines: int) -> OrderLog:
    return net_of_returns(orders.keep_items(known_items(orders, min_item_lines))).orders
