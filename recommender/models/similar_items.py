"""Similar items: what the same customers buy beyond what everybody buys; what item pages show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.data.history import PurchaseHistory
from recommender.models.measures import correlation
from recommender.models.neighbours import Neighbours, strongest_relations
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class SimilarItems:
    """Items that the same customers buy more often than chance, by the correlation of who bought them.

    Of n customers a bought the one item, b the other and t both; chance alone gives a·b / n of them both, and

        relation = (t - a·b / n) / (√(a·(1 - a / n)) · √(b·(1 - b / n)) + shrinkage),  none below chance

    which without shrinkage is Pearson's coefficient of the two columns of zeros and ones, times
    `same_category` where the shop puts the two into one category. `ItemKNN` makes
    customers' lists, where it pays to know what sells; on a page its cosines show what everybody buys,
    whatever the page is about (docs/similar-items.md).

    Attributes:
        shrinkage: pseudo-customers added below the fraction, so that two items that share their only two
            buyers stay below a pair of many.
        same_category: how much more two items of one category count; 1 for no more.
        fewest_customers: pairs that fewer customers bought both of are no relation, so that none tells what
            one customer bought beside the item.
        n_neighbours: relations kept for an item.
    """

    shrinkage: float = 20.0
    same_category: float = 1.5
    fewest_customers: int = 2
    n_neighbours: int = 100

    def __post_init__(self) -> None:
        require_positive(shrinkage=self.shrinkage)
        require_at_least(1, same_category=self.same_category)
        require_at_least(2, fewest_customers=self.fewest_customers)
        require_at_least(1, n_neighbours=self.n_neighbours)

    def fit(self, history: PurchaseHistory, category: NDArray[np.int32]) -> Neighbours:
        """Compare items by who ever bought them; guests' orders say nothing here.

        Args:
            history: purchases.
            category: shape (n_items,), number of each item's category, -1 for none.
        """
        bought = history.interactions(np.inf)
        bought.data[:] = 1
        # One customer more than there is, who bought nothing: in a small shop where everybody buys everything
        # nothing would be more than chance.
        n = int(np.count_nonzero(np.diff(bought.indptr))) + 1
        buyers_of = np.bincount(bought.indices, minlength=len(history.items))
        measure = correlation(buyers_of, n, self.shrinkage, group=category, same_group=self.same_category)
        return strongest_relations(bought, measure, n=self.n_neighbours, min_together=self.fewest_customers)
