from io import StringIO

import pytest
from rich.console import Console

from recommender.snapshot.manifest import Counts, Manifest
from recommender.training.report import FEWEST_CUSTOMERS, counted, figures_table, print_manifest


@pytest.mark.parametrize(("number", "said"), [(0, "0 orders"), (1, "1 order"), (2_000, "2,000 orders")])
def test_one_is_counted_in_the_singular(number, said):
    assert counted(number, "orders") == said


@pytest.mark.parametrize(("customers", "marked"), [(FEWEST_CUSTOMERS - 1, True), (FEWEST_CUSTOMERS, False)])
def test_a_task_of_few_customers_is_marked(customers, marked):
    mean = {"mean": 0.4, "low": 0.3, "high": 0.5}
    task = {
        "task": "all",
        "customers": customers,
        "ndcg": mean,
        "baseline_ndcg": mean,
        "gain": mean,
        "hit": 0.5,
    }
    console = Console(file=StringIO(), width=100)
    console.print(figures_table({"k": 10, "days": 28.0, "cut": 0, "tasks": [task]}))
    assert (f"{customers} few" in console.file.getvalue()) is marked


def test_square_brackets_of_a_manifest_are_shown():
    why = "the blend of the models, as [ranker] windows = 0 says"
    manifest = Manifest(
        snapshot="20260101T000000Z-00000000",
        generated_at="2026-01-02T00:00:00Z",
        data_from="2025-01-01T00:00:00Z",
        data_until="2026-01-01T00:00:00Z",
        data_fingerprint="0" * 64,
        counts=Counts(lines=1, orders=1, customers=1, items=1),
        sources=(),
        ranked_by=why,
        settings={},
        figures=None,
        versions={},
        files={},
    )
    console = Console(file=StringIO(), width=100)
    print_manifest(console, manifest)
    assert why in console.file.getvalue()
