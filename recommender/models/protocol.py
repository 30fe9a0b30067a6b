"""What a model is: settings that learn, and what they learned."""

from typing import Protocol, runtime_checkable

from scipy.sparse import csr_array

from recommender.data.history import PurchaseHistory
from recommender.models.neighbours import Neighbours
from recommender.models.opinions import Opinion


@runtime_checkable
class FittedModel(Protocol):
    """Something learned from a purchase history that has an opinion on items for customers."""

    @property
    def opinion(self) -> Opinion:
        """How much the model would like to show each item to each customer.

        Customers and items stand at their positions in the history's vocabularies.
        """
        ...


class Model(Protocol):
    """Hyperparameters of a model, as a frozen dataclass."""

    def fit(self, history: PurchaseHistory) -> FittedModel:
        """Learn from a history; the settings stay as they are."""
        ...


@runtime_checkable
class RelatesItems(Protocol):
    """A fitted model whose score of an item is what it is related to of the customer's purchases."""

    @property
    def neighbours(self) -> Neighbours:
        """The strongest relations of every item."""
        ...

    @property
    def purchases(self) -> csr_array:
        """Shape (n_customers, n_items), what each customer bought as the model weighs it.

        Its product with the relations is the `opinion`.
        """
        ...
