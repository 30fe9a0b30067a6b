"""Write what RecTools says of generated lists to rectools.json, for `test_against_libraries.py`.

RecTools cannot be installed beside numpy 2, so it is asked once, in an environment of its own:

    python3.11 -m venv /tmp/rectools && /tmp/rectools/bin/pip install rectools==0.19.0
    /tmp/rectools/bin/python tests/evaluation/record_rectools.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rectools import Columns
from rectools.metrics import (
    MAP,
    MRR,
    NDCG,
    CatalogCoverage,
    HitRate,
    IntraListDiversity,
    MeanInvUserFreq,
    PairwiseHammingDistanceCalculator,
    Precision,
    Recall,
)

N_ITEMS, N_CUSTOMERS, PLACES, N_CATEGORIES = 60, 80, 20, 6
KS = (1, 5, 10, 20)


def main() -> None:
    """Generate lists and purchases, ask RecTools, and write both."""
    rng = np.random.default_rng(7)
    lists = [rng.permutation(N_ITEMS)[:PLACES].tolist() for _ in range(N_CUSTOMERS)]
    truth = [sorted(rng.permutation(N_ITEMS)[: rng.integers(1, 30)].tolist()) for _ in lists]
    before = [sorted(rng.permutation(N_ITEMS - 5)[: rng.integers(1, 12)].tolist()) for _ in lists]
    category = rng.integers(N_CATEGORIES, size=N_ITEMS).tolist()
    places, bought, had = _frame(lists), _frame(truth), _frame(before)
    distance = PairwiseHammingDistanceCalculator(
        pd.DataFrame({Columns.Item: range(N_ITEMS), "category": category}).set_index(Columns.Item)
    )
    figures = {}
    for k in KS:
        accuracy = {
            "ndcg": NDCG(k=k, divide_by_achievable=True),
            "recall": Recall(k=k),
            "precision": Precision(k=k),
            "hit": HitRate(k=k),
            "map": MAP(k=k),
            "mrr": MRR(k=k),
        }
        figures[k] = {
            "by_list": {name: _values(m.calc_per_user(places, bought)) for name, m in accuracy.items()},
            "novelty": MeanInvUserFreq(k=k).calc(places, had),
            "coverage": CatalogCoverage(k=k, normalize=True).calc(places, np.arange(N_ITEMS)),
        }
        if k > 1:
            figures[k]["diversity"] = IntraListDiversity(k, distance).calc(places)
    told = {
        "rectools": version("rectools"),
        "n_items": N_ITEMS,
        "lists": lists,
        "truth": truth,
        "before": before,
        "category": category,
        "figures": figures,
    }
    Path(__file__).with_name("rectools.json").write_text(json.dumps(told) + "\n")


def _frame(rows: list[list[int]]) -> pd.DataFrame:
    flat = [(user, item, rank) for user, row in enumerate(rows) for rank, item in enumerate(row, start=1)]
    return pd.DataFrame(flat, columns=[Columns.User, Columns.Item, Columns.Rank])


def _values(by_user: pd.Series) -> list[float]:
    return by_user.sort_index().tolist()


if __name__ == "__main__":
    main()
