"""Factors for whom ALS was not trained on, from what they have bought; numpy alone, for the service too."""

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ConfigError


def fold_in(
    bought: NDArray[np.float32],
    confidence: NDArray[np.float32],
    gram: NDArray[np.float32],
    pull: float | np.float32,
) -> NDArray[np.float32]:
    """One customer's factors x, the exact solution of (YᵀY + Yᵀ(C − 1)Y + pull) x = YᵀC·1.

    Equation 4 of Hu, Koren & Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.

    Args:
        bought: shape (n, factors), factors of the items bought.
        confidence: shape (n,), at least 1, how sure each purchase makes us.
        gram: shape (factors, factors), YᵀY over all items.
        pull: regularisation.

    Returns:
        Shape (factors,) float32; zeros where nothing was bought.

    Raises:
        ConfigError: more than one solution.
    """
    items = bought.astype(np.float64)
    wanted = items.T @ confidence
    # Nothing bought, or only what nobody else did: no factors are as good as any, and these cost nothing.
    if not wanted.any():
        return np.zeros(len(gram), np.float32)
    normal = gram + items.T @ ((confidence - 1)[:, None] * items) + pull * np.eye(len(gram))
    try:
        return np.linalg.solve(normal, wanted).astype(np.float32)
    except np.linalg.LinAlgError as error:
        raise ConfigError(
            "als cannot place a customer by a cart: raise regularization in [models.als] above 0"
        ) from error
