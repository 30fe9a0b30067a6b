"""Ridge regression of many targets at once on sparse features."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

_BLOCK = 32
"""Targets solved side by side: their columns stay in a processor's cache while the features pass by."""

_Matrix = NDArray[np.float32]


def ridge(
    features: csr_array,
    targets: _Matrix,
    regularization: float,
    *,
    tolerance: float = 1e-3,
    most_steps: int = 200,
    threads: int | None = None,
) -> _Matrix:
    """Coefficients B that minimise ‖targets − features · B‖² + regularization · ‖B‖².

    Conjugate gradients on the normal equations (Hestenes & Stiefel, 1952), scaled by their diagonal; all
    targets of a block take the same steps over the features, which is what costs the time.

    Args:
        features: shape (n, n_features) float32.
        targets: shape (n, n_targets) float32.
        regularization: above 0.
        tolerance: a target is done when what is left of its equations is this small beside their right side.
        most_steps: give up exactness then.
        threads: blocks of targets worked on at a time; as many as the machine has cores by default.

    Returns:
        Shape (n_features, n_targets) float32; the same whatever the number of threads.
    """
    turned = features.T.tocsr()

    def block(start: int) -> _Matrix:
        wanted = np.ascontiguousarray(targets[:, start : start + _BLOCK])
        return _solved(features, turned, wanted, np.float32(regularization), tolerance, most_steps)

    # scipy and numpy let go of the interpreter inside their loops, so threads share the work.
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        blocks = list(pool.map(block, range(0, targets.shape[1], _BLOCK)))
    return np.concatenate(blocks, axis=1)


def _solved(
    features: csr_array, turned: csr_array, targets: _Matrix, pull: np.float32, tolerance: float, steps: int
) -> _Matrix:
    scale = _diagonal(turned) + pull
    rest = turned @ targets
    enough = tolerance * np.linalg.norm(rest, axis=0)
    found = np.zeros_like(rest)
    scaled = rest / scale[:, None]
    direction, size = scaled, _products(rest, scaled)
    for _ in range(steps):
        if (np.linalg.norm(rest, axis=0) <= enough).all():
            break
        image = turned @ (features @ direction) + pull * direction
        step = size / _above_zero(_products(direction, image))
        found += step * direction
        rest -= step * image
        scaled = rest / scale[:, None]
        before, size = size, _products(rest, scaled)
        direction = scaled + (size / _above_zero(before)) * direction
    return np.asarray(found)


def _diagonal(turned: csr_array) -> NDArray[np.float32]:
    return np.asarray(turned.multiply(turned).sum(axis=1), np.float32).ravel()


def _products(a: _Matrix, b: _Matrix) -> NDArray[np.float32]:
    return np.asarray(np.einsum("ij,ij->j", a, b))


def _above_zero(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.maximum(values, np.finfo(np.float32).tiny)
