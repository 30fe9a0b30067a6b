"""From the parts that blocks of customers wrote to whole arrays, none of which is ever held in memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.archive import load_model
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import Reasons
from recommender.snapshot.directory import Snapshot

from .customer_lists import CUSTOMERS_SIDE

_CSR = ("data", "indices", "indptr")


def stitch(parts: Sequence[Path], whole: Path) -> None:
    """Write every array of the parts as one, below `whole` as it stands below each part.

    Args:
        parts: folders of the same files, in the order of their rows; at least one.
        whole: made here.
    """
    for file in sorted(parts[0].rglob("*.npy")):
        name = file.relative_to(parts[0])
        (whole / name).parent.mkdir(parents=True, exist_ok=True)
        arrays = [np.load(part / name, mmap_mode="r", allow_pickle=False) for part in parts]
        if name.name.endswith(".shape.npy"):
            rows = sum(int(shape[0]) for shape in arrays)
            np.save(whole / name, np.array([rows, *arrays[0][1:]]), allow_pickle=False)
        elif name.name == "starts.npy" or name.name.endswith(".indptr.npy"):
            _write_offsets(arrays, whole / name)
        else:
            _write_rows(arrays, whole / name)


def _write_rows(arrays: Sequence[NDArray[np.generic]], path: Path) -> None:
    n = sum(map(len, arrays))
    shape, before = (n, *arrays[0].shape[1:]), 0
    if not np.prod(shape):
        np.save(path, np.zeros(shape, arrays[0].dtype), allow_pickle=False)
        return
    rows = np.lib.format.open_memmap(path, "w+", arrays[0].dtype, shape)
    for array in arrays:
        rows[before : before + len(array)] = array
        before += len(array)
    rows.flush()


def _write_offsets(arrays: Sequence[NDArray[np.integer]], path: Path) -> None:
    """Where rows start: those of a part begin where the parts before it end."""
    ends = np.cumsum([0, *(int(array[-1]) for array in arrays)])
    moved = [array[1:] + end for array, end in zip(arrays, ends[:-1], strict=True)]
    _write_rows([np.zeros(1, np.int64), *moved], path)


def with_customers(snapshot: Snapshot, whole: Path) -> Snapshot:
    """A snapshot with the customers' lists and the customers' side of its models; read where they are used.

    Args:
        snapshot: whose customers' side is to be replaced.
        whole: what `stitch` wrote.
    """
    tables = {
        name: load_model(kind, whole / "lists" / name)
        for name, kind in (("recommended", ListTable), ("past_orders", ListTable), ("reasons", Reasons))
    }
    models = dict(snapshot.models)
    for name, field in CUSTOMERS_SIDE.items():
        models[name] = replace(models[name], **{field: _rows(whole / "models" / name, field)})
    return replace(snapshot, lists=replace(snapshot.lists, **tables), models=models)


def _rows(folder: Path, field: str) -> NDArray[np.float32] | csr_array:
    if (folder / f"{field}.npy").exists():
        dense: NDArray[np.float32] = np.load(folder / f"{field}.npy", mmap_mode="r", allow_pickle=False)
        return dense
    data, indices, indptr = (
        np.load(folder / f"{field}.{part}.npy", mmap_mode="r", allow_pickle=False) for part in _CSR
    )
    shape = np.load(folder / f"{field}.shape.npy", allow_pickle=False)
    return csr_array((data, indices, indptr), shape=tuple(int(n) for n in shape))
