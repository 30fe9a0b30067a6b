"""What customers' purchases are called: red things, things for the garden."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.top_n.sparse_rows import entries_at


@dataclass(frozen=True, slots=True)
class CustomerWords:
    """Words of items, and the words of all that a customer bought.

    Attributes:
        said: shape (n_items, n_words) float32, words of each item, of length 1.
        taste: shape (n_customers, n_items) float32, how much each purchase still says.
        profile: shape (n_customers, n_words) float32, the words of a customer's purchases added up.
        length: shape (n_customers,) float32, length of each profile, 1 for an empty one.
    """

    said: csr_array
    taste: csr_array
    profile: csr_array
    length: NDArray[np.float32]

    @classmethod
    def of(cls, history: PurchaseHistory, half_life_days: float, said: csr_array) -> "CustomerWords":
        """From purchases, those of so many days ago counting half, and the words of the items."""
        if not said.nnz:
            # Nothing is like anything: no purchase needs to be looked at.
            nothing, n_words = len(history.customers), said.shape[1]
            taste = csr_array((nothing, len(history.items)), dtype=np.float32)
            return cls(
                said, taste, csr_array((nothing, n_words), dtype=np.float32), np.ones(nothing, np.float32)
            )
        taste = csr_array(np.log1p(history.interactions(half_life_days)))
        profile = csr_array(taste @ said)
        length = np.sqrt(np.asarray(profile.multiply(profile).sum(axis=1), np.float32).ravel())
        return cls(said, taste, profile, np.where(length > 0, length, np.float32(1)))

    def likeness(
        self, customers: NDArray[np.int32], row: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """How much each item is called what the customer's other purchases are called.

        Args:
            customers: shape (n_rows,) positions, a few hundred.
            row: shape (n,), never falling, whom of the customers it is about.
            item: shape (n,) positions; a purchase of this very item does not count.

        Returns:
            Shape (n,), from 0 to 1.
        """
        if not self.said.nnz:
            return np.zeros(len(item), np.float32)
        said = self.said[item]
        pair = np.repeat(np.arange(len(item)), np.diff(said.indptr))
        in_profile = entries_at(self.profile[customers], row[pair], said.indices)
        in_common = np.bincount(pair, said.data * in_profile, minlength=len(item))
        own = entries_at(self.taste[customers], row, item)
        return np.asarray(np.maximum(in_common - own, 0) / self.length[customers][row], np.float32)
