"""What `cartlift evaluate` prints, and the same as plain values for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recommender.evaluation.comparison import Comparison
from recommender.evaluation.evaluation import BEST_SELLERS, OURS, Evaluation, TaskComparison
from recommender.evaluation.health import Health
from recommender.evaluation.intervals import Interval
from recommender.evaluation.judge import Accuracy, Figures, Verdict
from recommender.evaluation.prices import PriceList
from recommender.evaluation.repeats import RepeatSplit
from recommender.evaluation.reranked import PLAIN, Variety
from recommender.evaluation.slices import Slice
from recommender.evaluation.trade_off import trade_off
from recommender.snapshot.manifest import rfc3339

from .leak_check import LeakCheck
from .report import FEWEST_CUSTOMERS, customers_label, judged_days, task_label

_METRICS = ("ndcg", "recall", "precision", "hit", "map", "mrr", "revenue")


def as_json(
    evaluation: Evaluation,
    verdict: Verdict,
    comparisons: Sequence[TaskComparison],
    carts: Sequence[TaskComparison],
    prices: PriceList | None,
    leaks: LeakCheck | None,
) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    return {
        "verdict": asdict(verdict),
        "trade_off": [asdict(one) for one in trade_off(evaluation)],
        "comparisons": [{"task": row.task, **asdict(row.method)} for row in comparisons],
        "cross_sell": [{"task": row.task, **asdict(row.method)} for row in carts],
        "reranking": None if prices is None else asdict(prices),
        "health_of_others": {name: asdict(evaluation.health(name)) for name in evaluation.others},
        "leak_check": None if leaks is None else asdict(leaks),
    }


def print_evaluation(
    console: Console,
    evaluation: Evaluation,
    verdict: Verdict,
    comparisons: Sequence[TaskComparison],
    carts: Sequence[TaskComparison],
    prices: PriceList | None,
) -> None:
    """Every table: accuracy by task, more metrics, list health, slices, carts, comparisons and prices."""
    console.print(_accuracy_table(verdict))
    console.print(_metrics_table(verdict))
    console.print(_repeats_line(verdict.repeats), highlight=False)
    healths = {OURS: verdict.health, BEST_SELLERS: verdict.baseline_health}
    healths |= {name: evaluation.health(name) for name in evaluation.others}
    console.print(_health_table(healths))
    console.print(_slices_table([one for one in verdict.slices if one.task == "all"], verdict.k))
    if carts:
        console.print(
            _comparison_table("What carts are shown without learning beside ours", carts, verdict.k)
        )
    if comparisons:
        console.print(_comparison_table("Other settings beside ours", comparisons, verdict.k))
    if prices is not None:
        print_prices(console, prices)
    for finding in verdict.findings:
        console.print(f"[yellow]![/] {escape(finding)}", highlight=False)


def print_prices(console: Console, prices: PriceList) -> None:
    """What each dial of re-ranking costs and is worth."""
    console.print(_price_table(prices))
    if idle := idle_dials(prices):
        console.print(f"Without any effect on these lists: {', '.join(idle)}.\n", highlight=False)


def print_leaks(console: Console, leaks: LeakCheck) -> None:
    """Whether another future changed a list."""
    of = f"{leaks.changed_lines:,} order lines after {rfc3339(leaks.cut)} were made up"
    if leaks.differing:
        told = f"[bold red]Leak:[/] {of}, and {leaks.differing:,} of {leaks.lists:,} lists changed."
    else:
        told = f"[green]No leak:[/] {of}, and none of {leaks.lists:,} lists changed by a byte."
    console.print(told, highlight=False)


def _accuracy_table(verdict: Verdict) -> Table:
    table = _table(f"Judged on the {judged_days(asdict(verdict))}")
    table.add_column("counted", no_wrap=True)
    _numbers(table, "customers", f"nDCG@{verdict.k}, 95 %", "best\nsellers", "gain, 95 %")
    for figures in verdict.tasks:
        table.add_row(
            task_label(figures.task),
            customers_label(figures.customers),
            f"[bold]{_short(figures.ndcg.mean)}[/] {_range(figures.ndcg)}",
            _short(figures.baseline_ndcg.mean),
            _gain(figures.gain, sure=_is_sure(figures)),
        )
    return table


def _metrics_table(verdict: Verdict) -> Table:
    table = _table("Every metric, by length of list")
    table.add_column("counted", no_wrap=True)
    _numbers(table, "k", "nDCG", "recall", "precision", "hit", "MAP", "MRR", "revenue")
    for figures in verdict.tasks:
        for number, at in enumerate(figures.at):
            last = at is figures.at[-1]
            label = "" if number else task_label(figures.task)
            table.add_row(label, f"{at.k}", *_metric_cells(at), end_section=last)
    return table


def _metric_cells(at: Accuracy) -> Iterator[str]:
    found: Iterator[Interval | None] = (getattr(at, metric) for metric in _METRICS)
    return ("–" if interval is None else _short(interval.mean) for interval in found)


def _repeats_line(repeats: RepeatSplit) -> str:
    shares = {"purchases": repeats.truth, f"places 1–{repeats.k}": repeats.places, "hits": repeats.hits}
    told = (f"{share.mean:.0%} of {what}" for what, share in shares.items() if share is not None)
    return f"Repeats are {', '.join(told)}; the rest is new to the customer.\n"


def _health_table(healths: dict[str, Health]) -> Table:
    table = _table(f"Health of the lists' first {healths[OURS].k} places")
    table.add_column("lists", overflow="fold")
    _numbers(table, "coverage", "Gini", "novelty", "diversity", "serendipity", "as best sellers")
    for name, health in healths.items():
        table.add_row(
            escape(name),
            f"{health.coverage:.1%}",
            _short(health.gini),
            f"{health.novelty:.1f} bit",
            "–" if health.diversity is None else _short(health.diversity),
            _short(health.serendipity),
            f"{health.like_best_sellers:.0%}",
        )
    return table


def _slices_table(found: Sequence[Slice], k: int) -> Table:
    table = _table("Whom the lists serve: all purchases, gain over best sellers")
    table.add_column("customers by", no_wrap=True)
    _numbers(table, "customers", f"nDCG@{k}, 95 %", "gain, 95 %")
    dimension = ""
    for one in found:
        if one.dimension != dimension:
            dimension = one.dimension
            table.add_section()
            table.add_row(f"[italic]{_DIMENSIONS[dimension]}[/]")
        table.add_row(
            f"  {escape(one.name)}",
            f"{one.customers:,}" + (" few" if one.few else ""),
            f"{_short(one.ndcg.mean)} {_range(one.ndcg)}",
            _gain(one.gain, sure=not one.few and one.gain.excludes_zero),
            style="dim" if one.few else None,
        )
    return table


_DIMENSIONS = {
    "activity": "orders before the cut",
    "recency": "last order",
    "category": "category of most purchases",
}


def _comparison_table(title: str, comparisons: Sequence[TaskComparison], k: int) -> Table:
    table = _table(f"{title}, nDCG@{k}; p after Holm over the table")
    table.add_column("counted", no_wrap=True)
    table.add_column("by", overflow="fold")
    _numbers(table, f"nDCG@{k}", "difference, 95 %", "p", "")
    for row in comparisons:
        method = row.method
        word = "unsure" if not method.sure else "better" if method.difference.mean > 0 else "worse"
        table.add_row(
            task_label(row.task),
            escape(method.name),
            _short(method.mean.mean),
            _gain(method.difference, sure=method.sure),
            "<.001" if method.p_holm < 0.001 else _short(method.p_holm),
            word,
        )
    return table


def idle_dials(prices: PriceList) -> list[str]:
    """Names of the dials that change no list, as in a shop without brands."""
    return [dial.name for dial in prices.dials if dial.changed == 0]


def _price_table(prices: PriceList) -> Table:
    table = _table(f"What re-ranking costs in nDCG@{prices.k}; bold: hardly by chance")
    table.add_column("\\[reranking]", no_wrap=True)
    tasks = (task_label(task).replace(" ", "\n") for task in prices.plain)
    _numbers(table, *tasks, "cover-\nage", "unlike-\nness", "nov-\nelty")
    plain = (_short(ndcg.mean) for ndcg in prices.plain.values())
    table.add_row(PLAIN, *plain, *_variety_cells(prices.variety), end_section=True)
    for dial in prices.dials:
        if dial.changed:
            costs = (_price(row) for row in dial.tasks.values())
            table.add_row(dial.name, *costs, *_variety_cells(dial.variety))
    return table


def _price(row: Comparison) -> str:
    told = _short(row.difference.mean, "+")
    return f"[bold]{told}[/]" if row.sure else told


def _variety_cells(variety: Variety) -> tuple[str, str, str]:
    return f"{variety.coverage:.1%}", _short(variety.unlikeness), f"{variety.novelty:.1f}"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False, collapse_padding=True)


def _numbers(table: Table, *headings: str) -> None:
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def _is_sure(figures: Figures) -> bool:
    return figures.customers >= FEWEST_CUSTOMERS and figures.gain.excludes_zero


def _gain(gain: Interval, *, sure: bool) -> str:
    told = f"{_short(gain.mean, '+')} {_range(gain)}"
    return f"[bold]{told}[/]" if sure else told


def _range(interval: Interval) -> str:
    return f"[{_short(interval.low)}, {_short(interval.high)}]"


def _short(value: float, sign: str = "-") -> str:
    """Three decimals without the leading zero: .385, -.071, 1.000."""
    return f"{value:{sign}.3f}".replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:{sign}.3f}"
