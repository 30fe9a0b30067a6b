"""Our figures are those of libraries that others use, to the ninth decimal."""

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, P, R, Success, nDCG
from scipy.sparse import csr_array

from recommender.evaluation.accuracy import METRICS, hits_of
from recommender.evaluation.health import diversity, health_of
from recommender.evaluation.split import TemporalSplit
from recommender.evaluation.window import Window
from tests.evaluation.shop import lists_of
from tests.ranking.tables import table_of
from tests.shops import log_of

RECTOOLS = json.loads(Path(__file__).with_name("rectools.json").read_text())
KS = (1, 5, 10, 20)


def rows_as_matrix(rows, n_items):
    matrix = np.zeros((len(rows), n_items))
    for row, items in enumerate(rows):
        matrix[row, items] = 1
    return csr_array(matrix)


def cut_at(k, n_relevant):
    """What turns a figure over all relevant items into one over those that k places can hold."""
    return n_relevant / np.minimum(n_relevant, k)


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("name", METRICS)
def test_accuracy_is_that_of_ir_measures(name, k):
    rng = np.random.default_rng(11)
    lists = [rng.permutation(50)[: rng.integers(1, 30)].tolist() for _ in range(120)]
    truth = [rng.permutation(50)[: rng.integers(1, 25)].tolist() for _ in lists]
    measures = {"ndcg": nDCG, "recall": R, "precision": P, "hit": Success, "map": AP, "mrr": RR}
    qrels = {str(row): {str(item): 1 for item in items} for row, items in enumerate(truth)}
    run = {str(row): {str(i): 100.0 - at for at, i in enumerate(items)} for row, items in enumerate(lists)}
    by_list = {int(m.query_id): m.value for m in ir_measures.iter_calc([measures[name] @ k], qrels, run)}
    expected = np.array([by_list[row] for row in range(len(lists))])
    n_relevant = np.array([len(items) for items in truth])
    # Theirs divides these two by everything relevant, ours by what k places can hold.
    expected *= cut_at(k, n_relevant) if name in ("recall", "map") else 1.0
    hits = hits_of(table_of(lists), rows_as_matrix(truth, 50), k)
    assert METRICS[name](k, hits, n_relevant) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("name", METRICS)
def test_accuracy_is_that_of_rectools(name, k):
    truth = RECTOOLS["truth"]
    n_relevant = np.array([len(items) for items in truth])
    expected = np.array(RECTOOLS["figures"][str(k)]["by_list"][name])
    expected = expected * (cut_at(k, n_relevant) if name in ("recall", "map") else 1.0)
    hits = hits_of(table_of(RECTOOLS["lists"]), rows_as_matrix(truth, RECTOOLS["n_items"]), k)
    assert METRICS[name](k, hits, n_relevant) == pytest.approx(expected, abs=1e-9)


@pytest.fixture(scope="module")
def rectools_window():
    """The customers of rectools.json, with all items sold to somebody who does not come back."""
    ids = [f"{item:02}" for item in range(RECTOOLS["n_items"])]
    before = [
        (f"b{customer:02}-{item}", f"c{customer:02}", ids[item], 1.0, 1.0)
        for customer, items in enumerate(RECTOOLS["before"])
        for item in items
    ]
    after = [
        (f"a{customer:02}-{item}", f"c{customer:02}", ids[item], 1.0, 5.0)
        for customer, items in enumerate(RECTOOLS["truth"])
        for item in items
    ]
    log = log_of(before + after)
    assert log.items.ids == tuple(ids)
    return Window.of(TemporalSplit.at(log, 2 * 86_400, days=10, min_item_lines=1), log.items)


@pytest.mark.parametrize("k", KS)
def test_novelty_and_coverage_are_those_of_rectools(rectools_window, k):
    table = lists_of(rectools_window, RECTOOLS["lists"])
    everything = np.ones(RECTOOLS["n_items"], bool)
    category = np.array(RECTOOLS["category"], np.int32)
    health = health_of(rectools_window, table, table, eligible=everything, category=category, k=k)
    expected = RECTOOLS["figures"][str(k)]
    assert health.novelty == pytest.approx(expected["novelty"], abs=1e-9)
    assert health.coverage == pytest.approx(expected["coverage"], abs=1e-9)


@pytest.mark.parametrize("k", KS[1:])
def test_diversity_is_that_of_rectools(k):
    table = table_of(RECTOOLS["lists"]).first(k)
    category = np.array(RECTOOLS["category"], np.int32)
    assert diversity(table, category) == pytest.approx(RECTOOLS["figures"][str(k)]["diversity"], abs=1e-9)
