from io import StringIO

import pytest
from rich.console import Console

from recommender.training.report import FEWEST_CUSTOMERS, counted, figures_table


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
