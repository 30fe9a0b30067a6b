"""ALS: taste as a few dozen numbers, found by alternating least squares."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.data.history import PurchaseHistory
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError
from recommender.models.als_first import next_to_nothing
from recommender.models.als_passes import Passes, noise
from recommender.models.als_solver import SolverName
from recommender.models.fold_in import fold_in
from recommender.models.opinions import Factored
from recommender.ranges import require_at_least, require_positive, require_share


@dataclass(frozen=True, slots=True)
class Als:
    """Implicit-feedback matrix factorisation (Hu, Koren & Volinsky, ICDM 2008).

    The confidence in a purchase is 1 + alpha · log(1 + faded number of orders): the tenth jar of honey
    says less than the first.

    Attributes:
        factors: numbers that describe a customer or an item.
        iterations: passes over customers and items, at most.
        least_gain: passes end once one makes the finding of purchases held back, one of each of 2,000
            customers, better by less than this share; a last pass knows them too. From 20,000 customers on
            those passes are made over half of them, 100,000 at most, and two over everybody follow. 0 makes
            all passes, over everybody, and so does a shop with fewer than 500 such customers.
        regularization: pull of every factor towards 0, in units of √customers + √items. That is how
            large the singular values of pure noise grow (Gavish & Donoho, "The optimal hard threshold
            for singular values is 4/√3", 2014), so one setting suits small shops and large ones.
        alpha: how much more a purchase says than its absence.
        half_life_days: a purchase this old counts half.
        view: what a look at an item counts, beside 1 for a purchase, where views are learned from.
        cart: the same of having put it into a cart; views and carts of an item count 1 together at most.
        interest_half_life_days: a view or cart this old counts half.
        seed: of the first factors.
        solver: `"batched"`, loops of our own, or `"implicit"`, the library of that name, as a reference.
    """

    factors: int = 128
    iterations: int = 15
    least_gain: float = 0.005
    regularization: float = 0.15
    alpha: float = 4.0
    half_life_days: float = 60.0
    view: float = 0.05
    cart: float = 0.3
    interest_half_life_days: float = 14.0
    seed: int = 0
    solver: SolverName = "batched"

    def __post_init__(self) -> None:
        require_at_least(1, factors=self.factors, iterations=self.iterations)
        require_positive(
            half_life_days=self.half_life_days,
            alpha=self.alpha,
            interest_half_life_days=self.interest_half_life_days,
        )
        require_share(view=self.view, cart=self.cart)
        require_at_least(0, regularization=self.regularization, least_gain=self.least_gain)

    def fit(self, history: PurchaseHistory, *, start: "AlsStart | None" = None) -> "AlsModel":
        """Find the factors.

        Args:
            history: what is learned from.
            start: item factors of an earlier model, to go on from: two passes follow. Without them the first
                pass starts from a sketch of the purchases.

        Raises:
            ConfigError: the equations have no solution with these settings.
            ValueError: the start has another number of factors.
        """
        interactions = self._interactions(history)
        # Customers without a purchase by then must not have a say in anything, not even in the random start.
        active = np.flatnonzero(np.diff(interactions.indptr))
        if not len(active):
            return self._ignorant(*interactions.shape)
        pull = self.regularization * noise(interactions)
        excess = interactions[active]
        excess.data = _excess(excess.data, np.float32(self.alpha))
        passes = Passes(self.solver, self.iterations, self.least_gain, self.seed)
        if start is None:
            factors, _ = passes.from_nothing(excess, pull, self.factors)
        else:
            items = start.factors_of(history.items, self.factors, self.seed)
            factors = passes.going_on(excess, pull, items)
        customer_factors = np.zeros((interactions.shape[0], self.factors), np.float32)
        customer_factors[active] = factors.customers
        with threadpool_limits(1, "blas"):
            gram = factors.items.T @ factors.items
        # A factor that is not a number, or is next to infinite, shows in its square.
        if not (np.isfinite(gram).all() and np.isfinite(customer_factors).all()):
            raise ConfigError(
                "als found no factors (not all are numbers): lower regularization or alpha in [models.als]"
            )
        return AlsModel(customer_factors, factors.items, gram, np.float32(self.alpha), np.float32(pull))

    def _interactions(self, history: PurchaseHistory) -> csr_array:
        bought = history.interactions(self.half_life_days)
        if history.interest is None:
            return bought
        interest = history.interest.weights(
            bought.shape, view=self.view, cart=self.cart, half_life_days=self.interest_half_life_days
        )
        return csr_array(bought + interest)

    def _ignorant(self, customers: int, items: int) -> "AlsModel":
        """What is learned where no customer bought anything: all factors are 0."""
        return AlsModel(
            np.zeros((customers, self.factors), np.float32),
            np.zeros((items, self.factors), np.float32),
            np.zeros((self.factors, self.factors), np.float32),
            np.float32(self.alpha),
            np.float32(1),
        )


@dataclass(frozen=True, slots=True)
class AlsStart:
    """What a model knew of items, to go on from, such as yesterday's.

    Attributes:
        items: labels of the items.
        item_factors: shape (n_items, factors) float32.
    """

    items: Vocabulary
    item_factors: NDArray[np.float32]

    def factors_of(self, items: Vocabulary, n_factors: int, seed: int) -> NDArray[np.float32]:
        """Factors to begin with, shape (n_items, n_factors); of what is new, next to nothing.

        Args:
            items: that are learned from.
            n_factors: numbers wanted of each.
            seed: of the numbers of what is new.

        Raises:
            ValueError: the model has another number of factors.
        """
        if self.item_factors.shape[1] != n_factors:
            raise ValueError(f"factors to start from are {self.item_factors.shape[1]} each, not {n_factors}")
        position = self.items.positions(items.ids)
        factors = next_to_nothing(len(items), n_factors, seed)
        factors[position >= 0] = self.item_factors[position[position >= 0]]
        return factors


@dataclass(frozen=True, slots=True)
class AlsModel:
    """Fitted factors.

    Attributes:
        customer_factors: shape (n_customers, factors) float32; zeros for who bought nothing.
        item_factors: shape (n_items, factors) float32.
        gram: shape (factors, factors) float32, the products of the item factors with themselves, as
            training left them: what it says of a customer to have bought nothing.
        alpha: shape () float32, how much more a purchase says than its absence.
        pull: shape () float32, pull of every factor towards 0, in units of the equations.
    """

    customer_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    gram: NDArray[np.float32]
    alpha: np.float32
    pull: np.float32

    @property
    def opinion(self) -> Factored:
        """See `FittedModel.opinion`; about 1 for what the customer surely likes."""
        return Factored(self.customer_factors, self.item_factors)

    def scores_of(self, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores for anyone's factors, shape (n, factors), as `opinion` has them for customers."""
        return factors @ self.item_factors.T

    def fold_in(self, purchases: csr_array) -> NDArray[np.float32]:
        """Factors of customers that were not learned from, or have bought more since.

        They are what another pass over the customers would give these purchases, the items left as they
        are: the exact solution of the equations that training solves.

        Args:
            purchases: shape (n, n_items), as `PurchaseHistory.interactions` gives them: 1 for an item that
                lies in the cart.

        Returns:
            Shape (n, factors) float32; zeros for an empty row.

        Raises:
            ConfigError: the equations have no single solution.
        """
        rows = np.zeros((purchases.shape[0], len(self.gram)), np.float32)
        with threadpool_limits(1, "blas"):
            for number, (start, end) in enumerate(pairwise(purchases.indptr)):
                confidence = _confidence(purchases.data[start:end], self.alpha)
                bought = self.item_factors[purchases.indices[start:end]]
                rows[number] = fold_in(bought, confidence, self.gram, self.pull)
        return rows


def _confidence(weights: NDArray[np.float32], alpha: np.float32) -> NDArray[np.float32]:
    return 1 + _excess(weights, alpha)


def _excess(weights: NDArray[np.float32], alpha: np.float32) -> NDArray[np.float32]:
    """What the confidence of a purchase has beyond that of none."""
    return alpha * np.log1p(weights)
