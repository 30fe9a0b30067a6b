"""Every list of a snapshot, from what was learned and what is carried over."""

import numpy as np
from numpy.typing import NDArray

from recommender.errors import DataError
from recommender.models.protocol import RelatesItems
from recommender.ranking import build
from recommender.ranking.lists import ListTable
from recommender.ranking.purchase_reasons import purchase_reasons
from recommender.ranking.reasons import POPULAR_PLACES, Reasons
from recommender.snapshot.directory import Lists

from .carried import Carried
from .item_lists import PlainLists, similar_items
from .learning import Learned, recommended
from .progress import Progress
from .settings import Settings

_REASONS_OF = ("item_knn", "co_purchase")
"""Models that are asked for a reason: first what the same customers buy, then what the same orders hold."""


def all_lists(
    learned: Learned,
    plain: PlainLists,
    settings: Settings,
    progress: Progress,
    *,
    carried: Carried,
) -> Lists:
    """Make every list.

    Args:
        learned: what is known.
        plain: the lists that needed no model.
        settings: of lists.
        progress: hears of every step.
        carried: lists of customers and items that need not be made. Best sellers and past orders always are.

    Raises:
        DataError: nothing may be recommended.
    """
    if not learned.eligible.any():
        raise DataError(
            "nothing may be recommended: every item is unavailable, was not sold for "
            f"{settings.lists.retired_after_days:g} days ([lists] retired_after_days), or too seldom at all "
            "([lists] min_item_lines)"
        )
    customers, items = carried.new_customers, carried.new_items
    with progress.step("Write item lists"):
        names, category = learned.catalog.categories()
        sold = np.where(learned.eligible, learned.models["best_sellers"].sold, 0)
        best_sellers = build.best_sellers(sold, category, len(names), settings.lists.length)
        local = build.local_best_sellers(plain.local, learned.eligible, settings.lists.length)
    similar = carried.similar(similar_items(plain.similar, learned, settings, progress).take(items))
    made = recommended(learned, settings, customers, progress)
    # Nothing is known of who returned everything, or bought only what is too rare to be recommended:
    # an empty list lets the service say so, and answer with best sellers under their own name.
    known = np.diff(learned.bought.indptr)[customers] > 0
    if not known.all():
        made = made.keep(known[made.row_of_place()])
    with progress.step("Give reasons"):
        reasons = reasons_of(learned, settings, made, customers, best_sellers)
    customer_lists, reasons = carried.recommended(made, reasons)
    # Evidence stands beside places, so rows without any can go from one and leave the other as it is.
    together, evidence = carried.bought_together(plain.together.take(items), plain.evidence)
    return Lists(
        recommended=customer_lists,
        reasons=reasons,
        past_orders=plain.past_orders,
        similar=similar,
        bought_together=together,
        evidence=evidence,
        best_sellers=best_sellers,
        groups=("", *names),
        local_best_sellers=local,
        places=plain.local.names,
    )


def reasons_of(
    learned: Learned,
    settings: Settings,
    made: ListTable,
    customers: NDArray[np.int32],
    best_sellers: ListTable,
) -> Reasons:
    """Why each place of the lists made is there; row 0 of the best sellers is the whole shop's."""
    popular, n_items = best_sellers.first(POPULAR_PLACES), len(learned.eligible)
    # Only a model that had a say can be a reason.
    asked = [name for name in _REASONS_OF if name in settings.blend.asked(learned.models)]
    return purchase_reasons(
        made,
        learned.tables,
        [_relating(learned, name) for name in asked],
        customers=customers,
        popular=_stands_in(popular, slice(0, 1), n_items),
        popular_in_category=_stands_in(popular, slice(1, len(best_sellers)), n_items),
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
