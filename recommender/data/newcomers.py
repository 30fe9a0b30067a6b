"""Items that came into the shop lately, whether or not anybody has bought them yet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.ranges import require_at_least


@dataclass(frozen=True, slots=True)
class NewItems:
    """[new_items]: which items may be recommended before they have sold.

    Attributes:
        within_days: an item is new for so long after its release; 0 for never.
        undated: whether an item that the shop gives no release date for is new, too: while nobody has
            bought it, and for so long after its first sale.
    """

    within_days: float = 30.0
    undated: bool = False

    def __post_init__(self) -> None:
        require_at_least(0, within_days=self.within_days)

    def among(self, catalog: Catalog, past: OrderLog, now: int) -> NDArray[np.bool_]:
        """The catalog's newcomers at a moment, shape (n_items,).

        What is not available is nobody's newcomer. For a dated item the first sale says nothing: in a
        long-tailed assortment things first sell years after they came in.

        Args:
            catalog: of n items.
            past: lines until that moment; of items of the catalog and maybe others.
            now: that moment, seconds since 1970 UTC; what is released later is not there yet.
        """
        dated, came_in = catalog.released_at > 0, catalog.released_at
        if self.undated:
            came_in = np.where(dated, came_in, _first_sold(catalog, past, now))
        age = now - came_in
        young = (age >= 0) & (age < self.within_days * DAY)
        return np.asarray(catalog.available & young & (dated | self.undated))


def days_on_sale(history: PurchaseHistory, catalog: Catalog, now: int) -> NDArray[np.float32]:
    """Days since an item came in, as far as the history looks back, shape (n_items,) float32.

    It came in with its release or its first sale, whichever was earlier; 0 where neither has been.
    """
    days = np.zeros(len(history.items), np.float32)
    # Lines come oldest first: written backwards, the oldest of an item stays.
    days[history.item[::-1]] = history.age_days[::-1]
    released = np.where(catalog.released_at > 0, (now - catalog.released_at) / DAY, 0)
    return np.clip(released, days, history.age_days.max(initial=0)).astype(np.float32)


def _first_sold(catalog: Catalog, past: OrderLog, now: int) -> NDArray[np.int64]:
    """Time of each item's first purchase, seconds since 1970 UTC; now where there is none."""
    bought = past.purchases()
    at = catalog.items.positions(bought.items.ids)[bought.item]
    listed = at >= 0
    first = np.full(len(catalog.items), now)
    # Lines come oldest first: written backwards, the first one of an item stays.
    first[at[listed][::-1]] = bought.ordered_at[listed][::-1]
    return first
