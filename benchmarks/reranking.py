"""What does each dial of re-ranking cost in nDCG, and what is it worth in variety? On real shops.

The lists that would have been published at the cut of the quality benchmark are re-ranked one dial at a
time and judged on the same 28 days, customer by customer, beside the lists as the ranker left them: as
`cartlift evaluate` does it with any shop. Run it with `python -m benchmarks.reranking`; the result is kept in
benchmarks/results/reranking.json, and docs/re-ranking.md says what to make of it.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.console import Console

from benchmarks.datasets import real_shops
from benchmarks.results import keep
from recommender.data.history import DAY
from recommender.evaluation.intervals import Interval
from recommender.evaluation.prices import PriceList, price_list
from recommender.evaluation.reranked import PLAIN
from recommender.training.evaluation import evaluation_of
from recommender.training.evaluation_tables import print_prices
from recommender.training.progress import Progress, Shown
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders

_SHOWN = ("all", "discover")
"""Tasks that the page shows."""


def judge_shop(read: ReadOrders, settings: Settings, *, back: int, progress: Progress) -> PriceList:
    """The price of every dial.

    Args:
        read: orders and catalog.
        settings: that our lists are made with.
        back: windows between the one judged and the end of the history.
        progress: hears of every step.

    Raises:
        ValueError: the history is too short to judge.
    """
    newest = read.orders.last_time - int(back * settings.evaluation.days * DAY)
    then = replace(read, orders=read.orders.until(newest))
    evaluation = evaluation_of(then, settings, priced=True, progress=progress)
    prices = evaluation and price_list(evaluation)
    if prices is None:
        raise ValueError("the history is too short to judge")
    return prices


def page_table(prices: Mapping[str, Any]) -> str:
    """The kept figures of a shop as docs/re-ranking.md shows them."""
    lines = [
        "| re-ranked by | all purchases | first times | coverage | unlikeness | novelty |",
        "|---|---|---|---|---|---|",
        _line(PLAIN, (f"nDCG@10 {prices['plain'][task]['mean']:.4f}" for task in _SHOWN), prices["variety"]),
    ]
    for dial in prices["dials"]:
        if dial["changed"]:
            costs = (_signed(Interval(**dial["tasks"][task]["difference"])) for task in _SHOWN)
            lines.append(_line(dial["name"], costs, dial["variety"]))
    return "\n".join(lines)


def _line(name: str, costs: Iterable[str], variety: Mapping[str, float]) -> str:
    shares = (f"{variety[figure]:.3f}" for figure in ("coverage", "unlikeness"))
    return f"| {' | '.join([f'`{name}`', *costs, *shares, format(variety['novelty'], '.1f')])} |"


def _signed(price: Interval) -> str:
    return f"{price.mean:+.4f} [{price.low:+.4f}, {price.high:+.4f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge every dial on every shop at hand, print the tables and keep the figures of the last window."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reranking", description=__doc__)
    parser.add_argument("--back", type=int, default=0, help="judge so many windows before the last one")
    options = parser.parse_args(arguments)
    console, kept = Console(width=110), {}
    for shop, read in real_shops().items():
        console.print(shop)
        prices = judge_shop(read, Settings(), back=options.back, progress=Shown(Console(stderr=True)))
        print_prices(console, prices)
        kept[shop] = asdict(prices)
        print(f"\n{shop}\n\n{page_table(kept[shop])}\n")
    name = f"reranking_{options.back}_back" if options.back else "reranking"
    console.print(f"kept in {keep(name, kept)}", highlight=False)


if __name__ == "__main__":
    main()
