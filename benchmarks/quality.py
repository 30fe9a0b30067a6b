"""How good are the lists? Every model alone and the blend, on real orders, beside best sellers.

Protocol: train until 28 days before the newest order, items with at least 5 lines by then; judge every
customer who ordered before and after; nDCG@10, paired bootstrap over customers. Run it with
`python -m benchmarks.quality`; the result is kept in benchmarks/results/quality.json.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import real_shops
from benchmarks.results import keep
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.orders import OrderLog
from recommender.evaluation.judge import Figures, judge
from recommender.evaluation.split import TemporalSplit
from recommender.models.best_sellers import BestSellers
from recommender.models.protocol import FittedModel
from recommender.models.registry import MODELS
from recommender.ranking.blend import Blend
from recommender.ranking.build import recommend
from recommender.ranking.lists import ListTable

DAYS = 28
MIN_ITEM_LINES = 5


def judge_shop(orders: OrderLog, *, per_model: int = 150) -> dict[str, tuple[Figures, ...]]:
    """Figures of every method on the last 28 days of a history, all against best sellers (14 days)."""
    cut = orders.last_time - DAYS * DAY
    split = TemporalSplit.at(orders, cut, days=DAYS, min_item_lines=MIN_ITEM_LINES)
    history, truth = PurchaseHistory.at(split.train, cut), split.truth()
    judged = np.flatnonzero(np.diff(truth.indptr)).astype(np.int32)
    bought = history.interactions(np.inf)
    fitted = {name: settings().fit(history) for name, (settings, _) in MODELS.items()}

    def lists(models: Mapping[str, FittedModel], blend: Blend) -> ListTable:
        everything = np.ones(len(history.items), bool)
        return recommend(
            models, blend, judged, bought=bought, eligible=everything, length=50, per_model=per_model
        )

    methods = {f"{name} alone": lists({name: model}, _only(name)) for name, model in fitted.items()}
    of_all_time = {"best_sellers": BestSellers(half_life_days=1e9).fit(history)}
    methods = {"best sellers of all time": lists(of_all_time, _only("best_sellers")), **methods}
    methods["blend (the product)"] = lists(fitted, Blend())
    baseline = methods["best_sellers alone"]
    return {name: judge(table, baseline, truth[judged], bought[judged]) for name, table in methods.items()}


def _only(name: str) -> Blend:
    return Blend(**{field.name: float(field.name == name) for field in fields(Blend)})


def figures_table(shop: str, methods: Mapping[str, tuple[Figures, ...]]) -> Table:
    """nDCG@10 of every method with its interval, and its gain over best sellers."""
    table = Table(title=shop, title_justify="left")
    table.add_column("method")
    for task in ("all", "discover"):
        table.add_column(f"nDCG@10 {task}", justify="right")
        table.add_column("gain over best sellers", justify="right")
    for name, figures in methods.items():
        row = [cell for f in figures if f.task != "repeat" for cell in (str(f.ndcg), str(f.gain))]
        table.add_row(name, *row)
    return table


def main() -> None:
    """Judge every shop at hand, print the tables and keep the figures."""
    console, shops = Console(width=120), real_shops()
    found = {}
    for shop, orders in shops.items():
        methods = judge_shop(orders)
        console.print(figures_table(shop, methods))
        found[shop] = {name: [asdict(f) for f in figures] for name, figures in methods.items()}
    console.print(f"kept in {keep('quality', found)}", highlight=False)


if __name__ == "__main__":
    main()
