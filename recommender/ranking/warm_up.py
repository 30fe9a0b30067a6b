"""Compile, or load, everything that learning and making lists need compiled, before it is needed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from recommender.models.als_first import sketched
from recommender.models.als_solver import solver_of
from recommender.models.co_purchase import CoPurchaseModel
from recommender.models.forest import Forest
from recommender.models.linear_relations import linear_relations
from recommender.models.measures import cosine
from recommender.models.neighbours import strongest_relations
from recommender.models.opinions import Factored, Opinion, Related
from recommender.models.shared_orders import shared_by_pairs
from recommender.ranking.candidates import CandidateSearch
from recommender.ranking.lists import ListTable
from recommender.ranking.purchase_reasons import strongest_purchase
from recommender.top_n.factor_search import FactorSearch


def warm_up() -> None:
    """Let every compiled loop run once on next to nothing.

    The first time on a machine that takes ten to fifteen seconds; later processes load what it left on disk.
    """
    with _nothing_collected():
        _run_loops()


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A compiler keeps most of the many small objects it makes: looking through them takes a fifth longer."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _run_loops() -> None:
    one, nothing = csr_array(np.ones((1, 1), np.float32)), csr_array((1, 1), dtype=np.float32)
    # Not just any matrix: of another type of positions than those of the models, each loop is another one.
    relation = strongest_relations(one, cosine(np.ones(1), 0.0), n=1).relation
    opinions: dict[str, Opinion] = {
        "product": Factored(one.toarray(), one.toarray()),
        "sum": Related(one, relation),
    }
    models = {name: _Model(opinion) for name, opinion in opinions.items()}
    search = CandidateSearch.over(models, bought=nothing, eligible=np.ones(1, bool), per_model=1)
    search.candidates(np.zeros(1, np.int32))
    # A crowd of equal items, of which single precision cannot say which belong into the list.
    crowd = FactorSearch.over(np.ones((50, 1), np.float32), np.ones(50, bool))
    crowd.best(one.toarray(), 1, masked=csr_array((1, 50), dtype=np.float32))
    solver_of("batched", one, 1.0).place_items(sketched(one, 1.0, 1, seed=0))
    linear_relations(one, one, regularization=1.0, n_items=1)
    item, number = np.zeros(1, np.int32), np.ones(1, np.float32)
    lists = ListTable(np.array([0, 1], np.int64), item, number, np.zeros(1, np.uint8), np.zeros(1, bool))
    shared_by_pairs(one, np.zeros(1, np.int64), item, item)
    strongest_purchase(lists, CoPurchaseModel(relation, one), item, ~lists.bought)
    _stump().scores(np.zeros((1, 1), np.float32))


@dataclass(frozen=True, slots=True)
class _Model:
    opinion: Opinion


def _stump() -> Forest:
    return Forest(
        starts=np.array([0, 2], np.int64),
        missing_right=np.array([2], np.int64),
        feature=np.zeros(2, np.int32),
        threshold=np.zeros(2, np.float32),
        left_out=np.array([0xFFFFFFFE, 0xFFFFFFFF], np.uint32),
        values=np.zeros((1, 32)),
    )
