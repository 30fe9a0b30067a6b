"""ALS: taste as a few dozen numbers, found by alternating least squares."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from recommender.data.history import PurchaseHistory
from recommender.errors import ConfigError
from recommender.models.fold_in import fold_in
from recommender.models.opinions import Factored
from recommender.ranges import require_at_least, require_positive


@dataclass(frozen=True, slots=True)
class Als:
    """Implicit-feedback matrix factorisation (Hu, Koren & Volinsky, ICDM 2008), fitted by `implicit`.

    The confidence in a purchase is 1 + alpha · log(1 + faded number of orders): the tenth jar of honey
    says less than the first.

    Attributes:
        factors: numbers that describe a customer or an item.
        iterations: passes over customers and items.
        regularization: pull of every factor towards 0, in units of √customers + √items. That is how
            large the singular values of pure noise grow (Gavish & Donoho, "The optimal hard threshold
            for singular values is 4/√3", 2014), so one setting suits small shops and large ones.
        alpha: how much more a purchase says than its absence.
        half_life_days: a purchase this old counts half.
        seed: of the first factors.
    """

    factors: int = 128
    iterations: int = 15
    regularization: float = 0.15
    alpha: float = 4.0
    half_life_days: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(1, factors=self.factors, iterations=self.iterations)
        require_positive(half_life_days=self.half_life_days, alpha=self.alpha)
        require_at_least(0, regularization=self.regularization)

    def fit(self, history: PurchaseHistory) -> "AlsModel":
        """Find the factors.

        Raises:
            ConfigError: the equations have no solution with these settings.
        """
        interactions = history.interactions(self.half_life_days)
        # Customers without a purchase by then must not have a say in anything, not even in the random start.
        active = np.flatnonzero(np.diff(interactions.indptr))
        pull = self.regularization * _noise(interactions)
        solver = self._solve(interactions[active], pull)
        customer_factors = np.zeros((interactions.shape[0], self.factors), np.float32)
        customer_factors[active] = solver.user_factors
        item_factors = np.asarray(solver.item_factors)
        with threadpool_limits(1, "blas"):
            gram = item_factors.T @ item_factors
        return AlsModel(customer_factors, item_factors, gram, np.float32(self.alpha), np.float32(pull))

    def _solve(self, interactions: csr_array, pull: float) -> AlternatingLeastSquares:
        # implicit takes the older sparse matrix class only, and the whole confidence, not what exceeds 1.
        confidence = csr_matrix(interactions)
        confidence.data = _confidence(confidence.data, np.float32(self.alpha))
        # implicit runs its own threads over rows; BLAS threads beside them only get in their way.
        with threadpool_limits(1, "blas"):
            solver = AlternatingLeastSquares(
                factors=self.factors,
                regularization=pull,
                iterations=self.iterations,
                random_state=self.seed,
            )
            try:
                solver.fit(confidence, show_progress=False)
            except ModelFitError as error:
                raise ConfigError(
                    f"als found no factors ({error}): lower regularization or alpha in [models.als]"
                ) from error
        return solver


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
    return 1 + alpha * np.log1p(weights)


def _noise(interactions: csr_array) -> float:
    """√customers + √items, counting those that occur."""
    customers = np.count_nonzero(np.diff(interactions.indptr))
    return float(np.sqrt(customers) + np.sqrt(len(np.unique(interactions.indices))))
