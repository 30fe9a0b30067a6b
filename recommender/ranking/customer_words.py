"""What customers' purchases are called: red things, things for the garden."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


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
    def of(cls, interactions: csr_array, said: csr_array) -> "CustomerWords":
        """From purchases, shape (n_customers, n_items), and the words of the items."""
        taste = csr_array(np.log1p(interactions))
        profile = csr_array(taste @ said)
        length = np.sqrt(np.asarray(profile.multiply(profile).sum(axis=1), np.float32).ravel())
        return cls(said, taste, profile, np.where(length > 0, length, np.float32(1)))

    def likeness(self, customer: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
        """How much each item is called what the customer's other purchases are called.

        Args:
            customer: shape (n,) positions, of a few hundred different customers.
            item: shape (n,) positions; a purchase of this very item does not count.

        Returns:
            Shape (n,), from 0 to 1.
        """
        who, row = np.unique(customer, return_inverse=True)
        # Dense, since looking one up in a sparse row costs more than the few customers of a block, and scipy
        # answers with another kind of array where nothing is looked up.
        profile, said = self.profile[who].toarray(), self.said[item]
        pair = np.repeat(np.arange(len(item)), np.diff(said.indptr))
        in_common = np.bincount(pair, said.data * profile[row[pair], said.indices], minlength=len(item))
        own = self.taste[who].toarray()[row, item]
        return np.asarray(np.maximum(in_common - own, 0) / self.length[customer], np.float32)
