"""How good are the lists? The product beside real peers, on held-out orders of real shops.

Everybody learns from the same orders before a cut and is judged on the same 28 days after it, by the same
customers and the same metrics (docs/evaluation.md). Peers have their defaults, the settings that were best
for both shops on earlier windows, and those best for this shop alone, each chosen by task; ours has one
setting for everything. Run it with `python -m benchmarks.quality`; docs/benchmarks.md says more.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import planted_shop, real_shops
from benchmarks.held_out import DAYS, TASKS, HeldOut
from benchmarks.peers.ours import FittedOurs
from benchmarks.peers.registry import PEERS, Contender
from benchmarks.results import keep
from benchmarks.tune_peers import BOTH, Changes, kept_record
from recommender.data.catalog import Catalog
from recommender.data.orders import OrderLog
from recommender.evaluation.comparison import compare
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.models.registry import MODELS
from recommender.ranking.lists import ListTable
from recommender.training.learning import learn, recommended
from recommender.training.progress import Progress, Shown
from recommender.training.settings import Settings
from recommender.training.sources import read_orders

PRODUCT = "the product"

RESAMPLES = 10_000
"""Enough for a p-value to stay small when it is multiplied by the number of methods."""

Values = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Task → metric → value of every judged customer."""

ByTask = Mapping[str, Changes]
"""Task → what is changed in a method's defaults for it."""

UNCHANGED: ByTask = {task: {} for task in TASKS}


@dataclass(frozen=True, slots=True)
class Row:
    """A method's figures on one task.

    Attributes:
        task: `all` purchases count, or only `discover`ed ones.
        customers: customers judged.
        ndcg: mean nDCG@10 with its 95 % interval.
        recall: mean recall@10, divided by min(10, purchases).
        hit: share of customers who bought something of the list.
        to_product: nDCG@10 less the product's, customer by customer; None for the product itself.
        p: of no difference to the product, Holm-corrected over the methods of this task and shop.
        settings: what was changed in the method's defaults.
    """

    task: str
    customers: int
    ndcg: Interval
    recall: float
    hit: float
    to_product: Interval | None
    p: float | None
    settings: Changes


Figures = Mapping[str, Mapping[str, Sequence[Row]]]
"""Shop → method → a row a task."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A method's figures customer by customer, and the settings it had for each task."""

    values: Values
    settings: ByTask


def judge_shop(
    shop: str,
    orders: OrderLog,
    catalog: Catalog,
    peers: Mapping[str, Contender] = PEERS,
    *,
    back: int,
    progress: Progress,
) -> dict[str, list[Row]]:
    """Rows of every method, by name.

    Args:
        shop: its name in the record of the tuning.
        orders: purchases of known customers.
        catalog: what the shop says about its items.
        peers: who is judged beside the product.
        back: windows between the one judged and the end of the history.
        progress: hears of every method.
    """
    with progress.step(f"{shop}: hold out {DAYS} days"):
        held_out = HeldOut.of(orders, back)
    judged = dict(_peers(shop, held_out, peers, progress))
    judged |= dict(_ours(held_out, catalog, progress))
    rows = {task: _rows(judged, task) for task in TASKS}
    return {name: [rows[task][name] for task in TASKS] for name in judged}


def variants(name: str, contender: Contender, shop: str, record: Mapping[str, dict]) -> dict[str, ByTask]:
    """The settings that a peer is judged with: row of the table → task → what is changed in the defaults."""
    if not contender.space:
        return {name: UNCHANGED}
    rows = {f"{name}, defaults": UNCHANGED}
    if chosen := record.get(name, {}).get("chosen"):
        rows[f"{name}, tuned"] = {task: chosen[task][BOTH] for task in TASKS}
        if shop in chosen[TASKS[0]]:
            rows[f"{name}, tuned for this shop"] = {task: chosen[task][shop] for task in TASKS}
    return rows


def _peers(
    shop: str, held_out: HeldOut, peers: Mapping[str, Contender], progress: Progress
) -> Iterator[tuple[str, Judged]]:
    record = kept_record()
    for name, contender in peers.items():
        lists: dict[str, ListTable] = {}
        for row, settings in variants(name, contender, shop, record).items():
            for task in TASKS:
                key = json.dumps(settings[task])
                if key not in lists:
                    with progress.step(f"{shop}: {row}", total=len(held_out.window)) as advance:
                        fitted = contender.peer(settings[task]).fit(held_out.history)
                        lists[key] = held_out.lists_of(fitted, advance)
            values = {task: held_out.figures(lists[json.dumps(settings[task])], task) for task in TASKS}
            yield row, Judged(values, settings)


def _ours(held_out: HeldOut, catalog: Catalog, progress: Progress) -> Iterator[tuple[str, Judged]]:
    """Our models alone, their blend, and the very lists that would have been published at the cut."""
    settings, customers = Settings(), held_out.window.customers
    learned = learn(held_out.orders, catalog, settings, now=held_out.window.cut, progress=progress)
    if learned.catalog.items != held_out.history.items:
        raise ValueError("the product learned from other items than its peers")
    for name in MODELS:
        model = learned.models[name]
        with progress.step(f"our {name}"):
            yield f"our {name}", _judged(held_out, held_out.lists_of(FittedOurs(model)))
    blended = recommended(replace(learned, ranker=None), settings, customers, progress)
    yield "our blend", _judged(held_out, blended)
    yield PRODUCT, _judged(held_out, recommended(learned, settings, customers, progress))


def _judged(held_out: HeldOut, lists: ListTable) -> Judged:
    return Judged({task: held_out.figures(lists, task) for task in TASKS}, UNCHANGED)


def _rows(judged: Mapping[str, Judged], task: str) -> dict[str, Row]:
    ndcg = {name: method.values[task]["ndcg"] for name, method in judged.items()}
    product = ndcg.pop(PRODUCT)
    beside = {c.name: c for c in compare(product, ndcg, resamples=RESAMPLES)}
    rows = {}
    for name, method in judged.items():
        comparison = beside.get(name)
        rows[name] = Row(
            task=task,
            customers=int(np.count_nonzero(~np.isnan(product))),
            ndcg=comparison.mean if comparison else bootstrap(product, resamples=RESAMPLES),
            recall=float(np.nanmean(method.values[task]["recall"])),
            hit=float(np.nanmean(method.values[task]["hit"])),
            to_product=comparison.difference if comparison else None,
            p=comparison.p_holm if comparison else None,
            settings=method.settings[task],
        )
    return rows


def table_of(shop: str, task: str, methods: Mapping[str, Sequence[Row]]) -> Table:
    """A task's rows, best first."""
    rows = {name: row for name, by_task in methods.items() for row in by_task if row.task == task}
    customers = rows[PRODUCT].customers
    table = Table(title=f"{shop}, {task}: {customers} customers", title_justify="left")
    table.add_column("method")
    for heading in ("nDCG@10", "recall@10", "hit@10", "less the product's nDCG", "p (Holm)"):
        table.add_column(heading, justify="right")
    for name, row in sorted(rows.items(), key=lambda found: -found[1].ndcg.mean):
        beside = (str(row.to_product), f"{row.p:.4f}") if row.to_product else ("", "")
        style = "bold" if name == PRODUCT else ""
        table.add_row(name, str(row.ndcg), f"{row.recall:.3f}", f"{row.hit:.3f}", *beside, style=style)
    return table


def generated_shop() -> tuple[OrderLog, Catalog]:
    """The planted shop, read as a shop's own file would be."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        planted_shop(customers=90).write_parquet(path)
        read = read_orders([path], Settings())
    return read.orders, read.catalog


def main(arguments: Sequence[str] | None = None) -> Figures:
    """Judge everybody, print the tables, and keep the figures unless the shop is a generated one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only a small generated shop, nothing is kept")
    parser.add_argument("--back", type=int, default=0, help="judge so many windows before the last one")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help="only these peers")
    options = parser.parse_args(arguments)
    console, progress = Console(width=130), Shown(Console(stderr=True))
    if options.quick:
        shops = {"planted shop": generated_shop()}
    else:
        shops = {name: (read.orders, read.catalog) for name, read in real_shops().items()}
    peers = {name: PEERS[name] for name in options.peers or PEERS}
    found = {}
    for shop, (orders, catalog) in shops.items():
        found[shop] = judge_shop(shop, orders, catalog, peers, back=options.back, progress=progress)
        for task in TASKS:
            console.print(table_of(shop, task, found[shop]))
    if not options.quick:
        plain = {shop: _plain_rows(methods) for shop, methods in found.items()}
        name = f"quality_{options.back}_back" if options.back else "quality"
        console.print(f"kept in {keep(name, plain)}", highlight=False)
    return found


def _plain_rows(methods: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(row) for row in rows] for name, rows in methods.items()}


if __name__ == "__main__":
    main()
