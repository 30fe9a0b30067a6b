"""Fitted models as plain arrays on disk: .npy files and nothing that could run code."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

_PARTS = ("data", "indices", "indptr", "shape")


def save_model(model: Any, folder: Path) -> None:
    """Write each array of a fitted model as `<field>.npy`, a sparse one as its four parts.

    Args:
        model: a dataclass whose fields are arrays.
        folder: made if it is not there.
    """
    save_arrays({field.name: getattr(model, field.name) for field in fields(model)}, folder)


def save_arrays(arrays: Mapping[str, Any], folder: Path) -> None:
    """Write arrays under their names as `save_model` writes those of a model.

    Args:
        arrays: dense ones, numbers, or `csr_array`s.
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in arrays.items():
        if isinstance(value, csr_array):
            for part in _PARTS:
                np.save(folder / f"{name}.{part}.npy", np.asarray(getattr(value, part)), allow_pickle=False)
        else:
            np.save(folder / f"{name}.npy", np.asarray(value), allow_pickle=False)


def load_model(model_type: type, folder: Path) -> Any:
    """Read what `save_model` wrote; dense arrays are memory-mapped, so processes share them."""
    return model_type(**{field.name: _load_array(folder, field.name) for field in fields(model_type)})


def _load_array(folder: Path, name: str) -> Any:
    whole = folder / f"{name}.npy"
    if whole.exists():
        return np.load(whole, mmap_mode="r", allow_pickle=False)
    data, indices, indptr, shape = (
        np.load(folder / f"{name}.{part}.npy", allow_pickle=False) for part in _PARTS
    )
    return csr_array((data, indices, indptr), shape=tuple(int(n) for n in shape))
