"""What re-ranking needs to know of an item."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog, Texts
from recommender.ranking.variants import variant_groups


@dataclass(frozen=True, slots=True)
class ItemTraits:
    """Items by position, as re-ranking sees them.

    Attributes:
        category: shape (n_items,) int32, a number for each category; -1 where unknown.
        brand: likewise.
        variant: shape (n_items,) int32, a number for each product with variants; -1 for the others.
        buyers: shape (n_items,) float64, share of the customers who bought it, above 0.
        is_new: shape (n_items,) bool, whether it has only just come into the shop and hardly sold yet.
        factors: shape (n_items, n_factors), items of like direction are alike; None where there are none.
    """

    category: NDArray[np.int32]
    brand: NDArray[np.int32]
    variant: NDArray[np.int32]
    buyers: NDArray[np.float64]
    is_new: NDArray[np.bool_]
    factors: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        lengths = {
            f.name: len(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) is not None
        }
        if len(set(lengths.values())) != 1:
            raise ValueError(f"every trait needs one entry an item, got {lengths}")
        if not (self.buyers > 0).all():
            raise ValueError("the share of buyers must be above 0: count one buyer more than there is")

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        bought: csr_array,
        *,
        newcomers: NDArray[np.bool_],
        variant_column: str = "",
        factors: NDArray[np.float32] | None = None,
    ) -> "ItemTraits":
        """Traits of a shop's items at a moment.

        Args:
            catalog: of n items.
            bought: shape (n_customers, n_items), stored where bought before.
            newcomers: shape (n_items,), see `is_new`.
            variant_column: see `variant_groups`.
            factors: see the attribute; those of ALS do.

        Raises:
            ConfigError: the item file has no such column.
        """
        return cls(
            category=_numbered(catalog.category),
            brand=_numbered(catalog.brand),
            variant=variant_groups(catalog, variant_column),
            buyers=_share_of_buyers(bought),
            is_new=newcomers,
            factors=factors,
        )


def _numbered(names: Texts) -> NDArray[np.int32]:
    number = {name: n for n, name in enumerate(sorted({name for name in names if name is not None}))}
    return np.array([-1 if name is None else number[name] for name in names], np.int32)


def _share_of_buyers(bought: csr_array) -> NDArray[np.float64]:
    """One buyer more than there is of each item, and one customer more, so that no share is 0."""
    n_customers = np.count_nonzero(np.diff(bought.indptr))
    return (np.bincount(bought.indices, minlength=bought.shape[1]) + 1) / (n_customers + 1)
