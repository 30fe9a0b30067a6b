"""Content: the taste of an item told from what is said of it."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import PurchaseHistory
from recommender.data.item_text import item_terms
from recommender.models.als import AlsModel
from recommender.models.opinions import Factored
from recommender.models.ridge import ridge
from recommender.ranges import require_at_least, require_positive

FEWEST_EXAMPLES = 10
"""Below so many items with buyers, nothing is told from texts."""

_REGULARIZATIONS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_HELD_OUT_EVERY = 5
_TRIED_FACTORS = 16
"""Factors that a regularisation is chosen by: ALS starts them all alike, so any few speak for the others."""

_MOST_STRETCHED = 2.0
_FEWEST_BUYERS = 2
"""Of an item with fewer, ALS knows nothing but one customer's taste, which is nobody else's business."""


@dataclass(frozen=True, slots=True)
class Content:
    """Items' ALS factors told from their texts, so that an item without a sale can be recommended.

    A ridge regression from the terms of items (`item_terms`) to their ALS factors, after Gantner et al.,
    "Learning attribute-to-feature mappings for cold-start recommendations", ICDM 2010. Every item with
    enough buyers is an example of equal weight: weighted by sales, the map learned what best sellers are
    like, and found fewer of the items that customers then bought. How strongly it is regularised is chosen
    on every fifth example, held out.

    What is told adds to what ALS learned from the item's own n buyers, with a say of

        pseudo_buyers / (pseudo_buyers + n) · (patience + n) / (patience + buyers expected by now)

    It fades as the item gets buyers of its own, and it shrinks for an item that was long on sale and sold
    less than others do in that time (a Gamma prior of the rate of sale). ALS pulls an item of few buyers
    towards 0; adding moves that point to where the text says. It is heard from the second buyer on.

    Attributes:
        min_buyers: customers that an item needs to be an example.
        pseudo_buyers: an item with so many buyers of its own hears half as much of its text.
        patience: buyers that may fail to come until an item without any hears half as much.
    """

    min_buyers: int = 3
    pseudo_buyers: float = 10.0
    patience: float = 2.0

    def __post_init__(self) -> None:
        require_at_least(1, min_buyers=self.min_buyers)
        require_positive(pseudo_buyers=self.pseudo_buyers, patience=self.patience)

    def fit(
        self,
        history: PurchaseHistory,
        catalog: Catalog,
        als: AlsModel,
        *,
        newcomers: NDArray[np.bool_],
        days_on_sale: NDArray[np.float32],
    ) -> "ContentModel":
        """Learn what texts say of factors, and tell the newcomers' from theirs.

        Arguments as of `fit_to`, which is told of the history what it needs of it.
        """
        return self.fit_to(
            history.buyers_of_items(), catalog, als, newcomers=newcomers, days_on_sale=days_on_sale
        )

    def fit_to(
        self,
        buyers: NDArray[np.int64],
        catalog: Catalog,
        als: AlsModel,
        *,
        newcomers: NDArray[np.bool_],
        days_on_sale: NDArray[np.float32],
    ) -> "ContentModel":
        """Learn from items with so many buyers each.

        Args:
            buyers: shape (n_items,), different customers who bought each item.
            catalog: in the order of the history's items.
            als: factors of customers, and of items that were bought.
            newcomers: shape (n_items,), the items that the model has an opinion on.
            days_on_sale: shape (n_items,), as `newcomers.days_on_sale` gives them.
        """
        examples = buyers >= self.min_buyers
        if not newcomers.any() or examples.sum() < FEWEST_EXAMPLES:
            return ContentModel.silent(len(als.customer_factors), len(buyers))
        terms = _with_constant(item_terms(catalog, examples))
        regularization, stretch, explained = _chosen(terms[examples], als.item_factors[examples])
        coefficients = ridge(terms[examples], als.item_factors[examples], regularization)
        told = stretch * (terms[newcomers] @ coefficients)
        say = self._say(buyers, days_on_sale, examples)[newcomers]
        several = (buyers[newcomers] >= _FEWEST_BUYERS)[:, None]
        factors = als.item_factors[newcomers] * several + say[:, None] * told
        return ContentModel(
            als.customer_factors, newcomers, factors.astype(np.float32), np.float32(explained)
        )

    def _say(
        self, buyers: NDArray[np.int64], days_on_sale: NDArray[np.float32], examples: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        buyers_a_day = np.mean(buyers[examples] / np.maximum(days_on_sale[examples], 1))
        expected = buyers_a_day * days_on_sale
        unheard = self.pseudo_buyers / (self.pseudo_buyers + buyers)
        sells = (self.patience + buyers) / (self.patience + expected)
        return (unheard * sells).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ContentModel:
    """Newcomers' factors, and those of the customers whom they are shown to.

    Attributes:
        customer_factors: shape (n_customers, factors) float32, those of ALS.
        newcomers: shape (n_items,) bool, the items that there is an opinion on.
        item_factors: shape (n_newcomers, factors) float32, in the order of their positions; zeros for an
            item of which nothing is said that is said of another. What is told is as long as what was held
            out: over items that the map had not seen, a told score of s stood on average for one of s.
        explained: shape () float32, share of the squared length of the factors held out that was told
            right; 0 and less is nothing.
    """

    customer_factors: NDArray[np.float32]
    newcomers: NDArray[np.bool_]
    item_factors: NDArray[np.float32]
    explained: np.float32

    @classmethod
    def silent(cls, n_customers: int, n_items: int) -> "ContentModel":
        """A model without an opinion."""
        nobody = np.zeros((n_customers, 0), np.float32)
        return cls(nobody, np.zeros(n_items, bool), np.zeros((0, 0), np.float32), np.float32(0))

    @property
    def opinion(self) -> Factored:
        """See `FittedModel.opinion`; on the scale of ALS, and 0 for everything that is not new."""
        items = np.zeros((len(self.newcomers), self.item_factors.shape[1]), np.float32)
        items[self.newcomers] = self.item_factors
        return Factored(self.customer_factors, items)


@dataclass(frozen=True, slots=True)
class OwnTaste:
    """What of a customer's taste is not everybody's, so that it tells the new item for this customer.

    By its scores alone, one new item with long factors may suit nearly every customer best. Of a customer's
    factors only the direction counts here, and the mean direction of all customers is taken off: otherwise
    who bought little, and so has short factors, would be given what everybody likes least.

    Attributes:
        content: tastes of customers and newcomers.
        common: shape (factors,) float64, mean direction of the customers who have a taste.
    """

    content: ContentModel
    common: NDArray[np.float64]

    @classmethod
    def of(cls, content: ContentModel) -> "OwnTaste":
        """Find what the tastes of all customers have in common."""
        factors = content.customer_factors
        toward = 1 / _lengths(factors)
        has_taste = np.count_nonzero(factors.any(axis=1))
        return cls(content, np.einsum("cf,c->f", factors, toward, dtype=np.float64) / max(1, has_taste))

    def scores(self, customers: NDArray[np.int32]) -> NDArray[np.float32]:
        """How much more each newcomer is to each customer's taste than it is to everybody's.

        Args:
            customers: shape (n,) positions.

        Returns:
            Shape (n, n_items), on average over the customers who have a taste 0; 0 for those who have none,
            and for what is not new.
        """
        content = self.content
        factors = content.customer_factors[customers]
        own = np.where(
            np.asarray(factors.any(axis=1))[:, None], factors / _lengths(factors)[:, None] - self.common, 0
        ).astype(np.float32)
        scores = np.zeros((len(customers), len(content.newcomers)), np.float32)
        scores[:, content.newcomers] = own @ content.item_factors.T
        return scores


def _lengths(factors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each row; 1 where the row is 0, so that it can be divided by."""
    lengths = np.sqrt(np.einsum("cf,cf->c", factors, factors, dtype=np.float64))
    return np.where(lengths > 0, lengths, 1.0)


def _with_constant(terms: csr_array) -> csr_array:
    """The terms and a column of ones, but for items of which nothing is said: these stay unknown."""
    said = csr_array((np.diff(terms.indptr) > 0).astype(np.float32)[:, None])
    return csr_array(scipy.sparse.hstack((terms, said), format="csr"))


def _chosen(terms: csr_array, factors: NDArray[np.float32]) -> tuple[float, float, float]:
    """The regularisation that tells held-out factors best, what to multiply by, and the share told right."""
    held_out = np.arange(len(factors)) % _HELD_OUT_EVERY == 0
    learned, true = factors[~held_out, :_TRIED_FACTORS], factors[held_out, :_TRIED_FACTORS]
    told = {each: terms[held_out] @ ridge(terms[~held_out], learned, each) for each in _REGULARIZATIONS}
    best = min(told, key=lambda each: float(np.square(true - told[each]).sum()))
    tiny = float(np.finfo(np.float32).tiny)
    stretch = np.vdot(told[best], true) / max(float(np.square(told[best]).sum()), tiny)
    stretch = float(np.clip(stretch, 0, _MOST_STRETCHED))
    missed = float(np.square(true - stretch * told[best]).sum())
    return best, stretch, 1 - missed / max(float(np.square(true).sum()), tiny)
