"""What to take off the prices of a bundle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog
from recommender.errors import ConfigError
from recommender.ranges import require_share


@dataclass(frozen=True, slots=True)
class Discounts:
    """How much of the prices' sum a bundle's price is suggested to leave out.

    Who would buy all of it anyway needs no discount: of the orders of its rarest item, the share that hold
    the whole bundle says how far from `most` to `least` the suggestion goes. Where costs are known, at least
    `least_margin` of the bundle's price stays; where that leaves less than `least`, nothing is taken off.

    Attributes:
        least: smallest share taken off.
        most: largest share taken off; 0 suggests none.
        least_margin: share of a bundle's price that stays after the costs of its items.
        cost_attribute: attribute of the item file that says what an item costs the shop; "" for none.
    """

    least: float = 0.05
    most: float = 0.15
    least_margin: float = 0.2
    cost_attribute: str = ""

    def __post_init__(self) -> None:
        require_share(least=self.least, most=self.most, least_margin=self.least_margin)
        if self.least > self.most:
            raise ValueError(f"least discount {self.least} must not be above the most, {self.most}")

    def suggested(
        self, items: NDArray[np.int32], orders: NDArray[np.int32], catalog: Catalog, sold: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Whole per cents off the sum of the prices, shape (n,); 0 where a price is not known.

        Args:
            items: shape (n, most), positions, -1 where a bundle has fewer.
            orders: shape (n,), that hold the whole bundle.
            catalog: prices and costs.
            sold: shape (n_items,), orders that hold an item.

        Raises:
            ConfigError: no item has such an attribute, or one is no number.
        """
        there = items >= 0
        rarest = np.where(there, sold[items], np.iinfo(np.int64).max).min(
            axis=1, initial=np.iinfo(np.int64).max
        )
        anyway = orders / np.maximum(rarest, 1)
        share = self.most - (self.most - self.least) * np.clip(anyway, 0, 1)
        price = np.where(there, catalog.price[items], 0).sum(axis=1, dtype=np.float64)
        if self.cost_attribute:
            cost = np.where(there, _costs(catalog, self.cost_attribute)[items], 0).sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                room = 1 - cost / ((1 - self.least_margin) * price)
            share = np.where(room < self.least, 0, np.minimum(share, room))
        return np.where(np.isfinite(price) & np.isfinite(share), np.floor(share * 100 + 1e-9), 0).astype(
            np.uint8
        )


def _costs(catalog: Catalog, attribute: str) -> NDArray[np.float64]:
    """What each item costs the shop, shape (n_items,), NaN where it is not said."""
    if attribute not in catalog.attributes:
        known = ", ".join(sorted(catalog.attributes)) or "none"
        raise ConfigError(
            f"[discounts] cost_attribute: no item has an attribute {attribute!r} (there are: "
            f"{known}); name a column of the item file"
        )
    try:
        return np.array([np.nan if text is None else float(text) for text in catalog.attributes[attribute]])
    except ValueError as error:
        raise ConfigError(f"[discounts] cost_attribute {attribute!r}: {error}") from error
