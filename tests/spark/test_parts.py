"""What blocks of customers wrote comes together as if one hand had written it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, vstack

from recommender.models.archive import load_model, save_arrays, save_model
from recommender.models.buy_again import BuyAgainModel
from recommender.ranking.lists import ListTable
from recommender.training.spark.parts import stitch

rows = st.lists(st.integers(0, 4), max_size=5)
"""Lengths of the lists of a block's customers."""


def table_of(lengths: list[int], seed: int) -> ListTable:
    rng, n = np.random.default_rng(seed), sum(lengths)
    return ListTable(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        rng.integers(0, 9, n).astype(np.int32),
        rng.random(n).astype(np.float32),
        rng.integers(0, 3, n).astype(np.uint8),
        rng.random(n) < 0.5,
    )


def matrix_of(lengths: list[int], seed: int) -> csr_array:
    dense = np.random.default_rng(seed).integers(0, 3, (len(lengths), 6)).astype(np.float32)
    return csr_array(dense)


@settings(max_examples=30)
@given(st.lists(rows, min_size=1, max_size=4))
def test_parts_together_are_the_whole(blocks):
    tables = [table_of(lengths, seed) for seed, lengths in enumerate(blocks)]
    matrices = [matrix_of(lengths, seed) for seed, lengths in enumerate(blocks)]
    factors = [matrix.toarray()[:, :2] for matrix in matrices]
    with TemporaryDirectory() as folder:
        parts = [Path(folder) / str(number) for number in range(len(blocks))]
        for part, table, matrix, dense in zip(parts, tables, matrices, factors, strict=True):
            save_model(table, part / "lists")
            save_arrays({"bought": matrix}, part / "model")
            save_arrays({"factors": dense}, part / "other")
        stitch(parts, Path(folder) / "whole")
        found = load_model(ListTable, Path(folder) / "whole" / "lists")
        wanted = ListTable.stack(tables, most=sum(len(table.items) for table in tables))
        for column in ("starts", "items", "scores", "sources", "bought"):
            assert np.array_equal(getattr(found, column), getattr(wanted, column))
            assert getattr(found, column).dtype == getattr(wanted, column).dtype
        bought = load_model(BuyAgainModel, Path(folder) / "whole" / "model").bought
        assert (bought != vstack(matrices)).nnz == 0
        assert np.array_equal(
            np.load(Path(folder) / "whole" / "other" / "factors.npy"), np.concatenate(factors)
        )
