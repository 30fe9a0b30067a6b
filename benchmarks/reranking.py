"""What does each dial of re-ranking cost in nDCG, and what is it worth in variety? On real shops.

The blend's lists at the cut of the quality benchmark are re-ranked one dial at a time and judged on the
same 28 days, customer by customer, beside the lists as they were. Run it with
`python -m benchmarks.reranking`; the result is kept in benchmarks/results/reranking.json, and
docs/re-ranking.md says what to make of it.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import real_shops
from benchmarks.held_out import HeldOut, K
from benchmarks.results import keep
from recommender.data.catalog import Catalog
from recommender.data.newcomers import NewItems
from recommender.data.orders import OrderLog
from recommender.evaluation.comparison import compare
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.evaluation.tasks import TASKS as MODES
from recommender.models.registry import MODELS
from recommender.ranking.blend import Blend
from recommender.ranking.build import of_mode, recommend
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.likeness import Likeness
from recommender.ranking.lists import ListTable
from recommender.ranking.placing import Block
from recommender.ranking.reranking import Reranking, rerank

LENGTH = 50
"""Repeats and discoveries that a row holds before it is re-ranked, as in published lists."""

TASKS = ("all", "repeat", "discover")

PLAIN = "nothing"

_OFF = Reranking(most_variants=0, new_item_share=0.0)

DIALS: Mapping[str, Reranking] = {
    **{f"at most {most} of a product's variants": replace(_OFF, most_variants=most) for most in (2, 1)},
    **{f"diversity {dial}": replace(_OFF, diversity=dial) for dial in (0.1, 0.2, 0.3, 0.5)},
    **{f"at most {most} of a category": replace(_OFF, most_per_category=most) for most in (3, 2, 1)},
    **{f"popularity damping {dial}": replace(_OFF, popularity_damping=dial) for dial in (0.1, 0.2, 0.4)},
    **{f"new items {share:.0%}": replace(_OFF, new_item_share=share) for share in (0.1, 0.2)},
}
"""Name → what is wanted beyond the plain lists."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a dial did to the first places of the lists of one mode.

    Attributes:
        task: what they were judged on.
        customers: customers judged.
        ndcg: nDCG@10 with its 95 % interval.
        price: nDCG@10 less that of the plain lists, customer by customer; None for those.
        p: of no difference, Holm-corrected over the dials of this task and shop.
        coverage: share of the items that stand in at least one list.
        unlikeness: mean of 1 − likeness over pairs of places of a list.
        buyers: mean share of customers who bought the item, over places.
        new: share of places whose item is new to the shop.
    """

    task: str
    customers: int
    ndcg: Interval
    price: Interval | None
    p: float | None
    coverage: float
    unlikeness: float
    buyers: float
    new: float


def judge_shop(orders: OrderLog, catalog: Catalog, *, back: int) -> dict[str, list[Row]]:
    """Rows of the plain lists and of every dial, by name.

    Args:
        orders: purchases of known customers.
        catalog: what the shop says about its items.
        back: windows between the one judged and the end of the history.
    """
    held_out = HeldOut.of(orders, back)
    plain, traits = _lists(held_out, catalog)
    lists = {PLAIN: plain, **{name: rerank(plain, wanted, traits) for name, wanted in DIALS.items()}}
    rows = {task: _rows(held_out, lists, traits, task) for task in TASKS}
    return {name: [rows[task][name] for task in TASKS] for name in lists}


def _lists(held_out: HeldOut, catalog: Catalog) -> tuple[ListTable, ItemTraits]:
    history = held_out.history
    fitted = {name: settings().fit(history) for name, (settings, _) in MODELS.items()}
    lists = recommend(
        fitted,
        Blend(),
        held_out.window.customers,
        bought=history.interactions(np.inf),
        eligible=np.ones(len(history.items), bool),
        length=LENGTH,
    )
    factors = fitted["als"].item_factors
    catalog = catalog.align(history.items)
    cut = held_out.window.cut
    # Neither shop dates its items, so the first sale has to do.
    newcomers = NewItems(undated=True).among(catalog, held_out.orders.until(cut), cut)
    return lists, ItemTraits.of(catalog, history, newcomers=newcomers, factors=factors)


def _rows(held_out: HeldOut, lists: Mapping[str, ListTable], traits: ItemTraits, task: str) -> dict[str, Row]:
    ndcg = {name: held_out.figures(table, task)["ndcg"] for name, table in lists.items()}
    plain = ndcg[PLAIN]
    beside = {c.name: c for c in compare(plain, {name: ndcg[name] for name in DIALS})}
    rows = {}
    for name, table in lists.items():
        comparison = beside.get(name)
        rows[name] = Row(
            task=task,
            customers=int(np.count_nonzero(~np.isnan(plain))),
            ndcg=comparison.mean if comparison else bootstrap(plain),
            price=comparison.difference if comparison else None,
            p=comparison.p_holm if comparison else None,
            **_variety(of_mode(table, MODES[task], K), traits),
        )
    return rows


def _variety(best: ListTable, traits: ItemTraits) -> dict[str, float]:
    block = Block.of(best, best.starts)
    pairs = block.filled[:, :, None] & block.filled[:, None, :] & ~np.eye(block.items.shape[1], dtype=bool)
    return {
        "coverage": len(np.unique(best.items)) / len(traits.buyers),
        "unlikeness": 1 - float(Likeness.of(traits).among(block.items)[pairs].mean()),
        "buyers": float(traits.buyers[best.items].mean()),
        "new": float(traits.is_new[best.items].mean()),
    }


def table_of(shop: str, task: str, dials: Mapping[str, Sequence[Row]]) -> Table:
    """A task's rows in the order of the dials."""
    rows = {name: row for name, by_task in dials.items() for row in by_task if row.task == task}
    table = Table(title=f"{shop}, {task}: {rows[PLAIN].customers} customers", title_justify="left")
    table.add_column("re-ranked by")
    for heading in ("nDCG@10", "price", "p (Holm)", "coverage", "unlikeness", "buyers", "new"):
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        price = (_signed(row.price), f"{row.p:.3f}") if row.price else ("", "")
        shares = (f"{share:.3f}" for share in (row.coverage, row.unlikeness, row.buyers, row.new))
        table.add_row(name, f"{row.ndcg.mean:.4f}", *price, *shares)
    return table


def _signed(price: Interval) -> str:
    return f"{price.mean:+.4f} [{price.low:+.4f}, {price.high:+.4f}]"


def page_table(dials: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The kept figures of a shop as docs/re-ranking.md shows them."""
    lines = [
        "| re-ranked by | all purchases | first times | coverage | unlikeness |",
        "|---|---|---|---|---|",
    ]
    for name, rows in dials.items():
        of_task = {row["task"]: row for row in rows}
        prices = [_price_or_ndcg(of_task[task]) for task in ("all", "discover")]
        shares = [f"{of_task['discover'][share]:.3f}" for share in ("coverage", "unlikeness")]
        lines.append(f"| {' | '.join([name, *prices, *shares])} |")
    return "\n".join(lines)


def _price_or_ndcg(row: Mapping[str, Any]) -> str:
    return _signed(Interval(**row["price"])) if row["price"] else f"nDCG@10 {row['ndcg']['mean']:.4f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge every dial on every shop at hand, print the tables and keep the figures of the last window."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reranking", description=__doc__)
    parser.add_argument("--back", type=int, default=0, help="judge so many windows before the last one")
    options = parser.parse_args(arguments)
    console, found = Console(width=130), {}
    for shop, read in real_shops().items():
        found[shop] = judge_shop(read.orders, read.catalog, back=options.back)
        for task in TASKS:
            console.print(table_of(shop, task, found[shop]))
    plain = {shop: {n: [asdict(row) for row in rows] for n, rows in m.items()} for shop, m in found.items()}
    for shop, dials in plain.items():
        print(f"\n{shop}\n\n{page_table(dials)}\n")
    name = f"reranking_{options.back}_back" if options.back else "reranking"
    console.print(f"kept in {keep(name, plain)}", highlight=False)


if __name__ == "__main__":
    main()
