"""Models of the library `irspack` (Ohtsuki)."""

import warnings
from dataclasses import dataclass

from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.peers.implicit_peers import Factors, ItemSimilarity
from benchmarks.peers.purchases import FOREVER, Scale, weighed_purchases
from recommender.data.history import PurchaseHistory

with warnings.catch_warnings():
    # It is written for an older pydantic, which warns of that once a class.
    warnings.simplefilter("ignore", DeprecationWarning)
    from irspack.recommenders import IALSRecommender, P3alphaRecommender, RP3betaRecommender


@dataclass(frozen=True, slots=True)
class IrspackIals:
    """`IALSRecommender`: matrix factorisation whose penalty grows with how often a customer or item occurs.

    Rendle, Krichene, Zhang & Koren ("Revisiting the performance of iALS on item recommendation
    benchmarks", RecSys 2022) show that it takes many factors, and that the weight of what was not bought
    and the regularisation must be searched together. Defaults are those of the library's `IALSConfig`.

    Attributes:
        factors: `n_components` of the library.
        unobserved: `alpha0`, weight of a pair that was not bought; of a purchase it is its entry.
        regularization: `reg`, scaled by frequency (`nu` 1).
        epochs: passes over customers and items.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    factors: int = 20
    unobserved: float = 1.0
    regularization: float = 1e-3
    epochs: int = 16
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> Factors:
        """Find the factors, from a fixed random start."""
        solver = IALSRecommender(
            csr_matrix(weighed_purchases(history, self.half_life_days, self.scale)),
            n_components=self.factors,
            alpha0=self.unobserved,
            reg=self.regularization,
            nu=1.0,
            random_seed=0,
        )
        # Not `learn`: it draws a bar on the terminal, and does nothing else than this.
        solver.start_learning()
        with threadpool_limits(1, "blas"):
            for _ in range(self.epochs):
                solver.run_epoch()
        return Factors(solver.get_user_embedding(), solver.get_item_embedding())


@dataclass(frozen=True, slots=True)
class IrspackP3:
    """`P3alphaRecommender`: random walks customer → item → customer → item.

    Cooper, Lee, Radzik & Siantos, "Random walks in recommender systems", WWW 2014.

    Attributes:
        power: `alpha`, to which every step's probability is raised.
        neighbours: `top_k`, relations kept of an item; the library's own default keeps all, for which a large
            catalog has no memory.
        normalize: whether an item's relations are scaled to add up to 1.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    power: float = 1.0
    neighbours: int = 1000
    normalize: bool = False
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> ItemSimilarity:
        """Walk two steps from every item."""
        purchases = weighed_purchases(history, self.half_life_days, self.scale)
        solver = P3alphaRecommender(
            csr_matrix(purchases),
            alpha=self.power,
            top_k=self.neighbours,
            normalize_weight=self.normalize,
        )
        return ItemSimilarity(purchases, csr_array(solver.learn().W))


@dataclass(frozen=True, slots=True)
class IrspackRp3:
    """`RP3betaRecommender`: the same walks, items held back by their popularity.

    Paudel, Christoffel, Newell & Bernstein, "Updatable, accurate, diverse, and scalable recommendations
    for interactive applications", TiiS 2017.

    Attributes:
        power: `alpha`, to which every step's probability is raised.
        damping: `beta`, power of the popularity that scores are divided by.
        neighbours: `top_k`, relations kept of an item; the library's own default keeps all, for which a large
            catalog has no memory.
        normalize: whether an item's relations are scaled to add up to 1.
        half_life_days: see `weighed_purchases`.
        scale: see `weighed_purchases`.
    """

    power: float = 1.0
    damping: float = 0.6
    neighbours: int = 1000
    normalize: bool = False
    half_life_days: float = FOREVER
    scale: Scale = "count"

    def fit(self, history: PurchaseHistory) -> ItemSimilarity:
        """Walk two steps from every item."""
        purchases = weighed_purchases(history, self.half_life_days, self.scale)
        solver = RP3betaRecommender(
            csr_matrix(purchases),
            alpha=self.power,
            beta=self.damping,
            top_k=self.neighbours,
            normalize_weight=self.normalize,
        )
        return ItemSimilarity(purchases, csr_array(solver.learn().W))
