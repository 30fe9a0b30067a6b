"""Stages of the stock pipeline by libraries that do them: polars, irspack, rusket, sparse_dot_topn."""

import warnings
from pathlib import Path

import numpy as np
import polars as pl
from rusket import ALS
from scipy.sparse import csr_matrix
from sparse_dot_topn import sp_matmul_topn
from threadpoolctl import threadpool_limits

from benchmarks.stages import Stage

with warnings.catch_warnings():
    # It is written for an older pydantic, which warns of that once a class.
    warnings.simplefilter("ignore", DeprecationWarning)
    from irspack.recommenders import IALSRecommender

_THREADS = 2


def run(folder: Path, stage: Stage, *, factors: int, iterations: int, n: int) -> None:
    """Learn from files of orders stage by stage, each library in its turn; nothing is published.

    Args:
        folder: of Parquet files.
        stage: told of every stage, by the stock pipeline's name of it and the library's.
        factors: of ALS.
        iterations: of ALS.
        n: places of a list.
    """
    with stage("read, polars"):
        bought, baskets = _read(folder)
    with stage("als, irspack"):
        solver = IALSRecommender(bought, n_components=factors, alpha0=0.1, reg=0.01, nu=1.0, random_seed=0)
        # Not `learn`: it draws a bar on the terminal, and does nothing else than this.
        solver.start_learning()
        with threadpool_limits(1, "blas"):
            for _ in range(iterations):
                solver.run_epoch()
    with stage("als, rusket"):
        als = ALS(factors=factors, iterations=iterations, seed=0).fit(bought)
    with stage("top n, rusket"):
        als.batch_recommend(n=n)
    with stage("co-purchase, sparse_dot_topn"):
        lengths = np.sqrt(np.maximum(np.bincount(baskets.indices, minlength=baskets.shape[1]), 1))
        unit = csr_matrix((baskets.data / lengths[baskets.indices], baskets.indices, baskets.indptr))
        # An item is most similar to itself.
        sp_matmul_topn(csr_matrix(unit.T), unit, n + 1, sort=True, n_threads=_THREADS)


def _read(folder: Path) -> tuple[csr_matrix, csr_matrix]:
    lines = pl.scan_parquet(folder / "*.parquet").filter(pl.col("quantity") > 0)
    names = ("customer_id", "item_id", "order_id")
    # A set of categories for each column, so that each is numbered from 0.
    own = [pl.col(name).cast(pl.Categorical(pl.Categories(name))).to_physical() for name in names]
    ids = lines.select(own).collect()
    customer, item, order = (ids[name].to_numpy().astype(np.int32) for name in names)
    ones = np.ones(len(ids), np.float32)
    baskets = csr_matrix((ones, (order, item)))
    baskets.data[:] = 1
    return csr_matrix((ones, (customer, item))), baskets
