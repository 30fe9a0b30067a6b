"""What sessions are placed by: the factors of items that ALS learned, as far as they may be told."""

import numpy as np

from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.directory import Lists

from .learning import Learned
from .settings import Settings


def session_factors(learned: Learned, lists: Lists, settings: Settings) -> SessionFactors | None:
    """The factors that a snapshot brings along.

    Args:
        learned: has ALS, and who bought what.
        lists: what stands on one of them may be proposed.
        settings: of the blend.

    Returns:
        None where ALS has no say in this shop's lists.
    """
    if not settings.blend.counts("als"):
        return None
    als, n_items = learned.models["als"], len(learned.catalog.items)
    listed = np.zeros(n_items, np.int64)
    for table in (lists.recommended, lists.similar, lists.bought_together, lists.best_sellers):
        listed += np.bincount(table.items, minlength=n_items)
    # A pair of customer and item is one entry.
    buyers = np.bincount(learned.bought.indices, minlength=n_items)
    return SessionFactors.of(als.item_factors, als.gram, float(als.pull), listed=listed, buyers=buyers)
