"""An evaluation as one HTML page that needs no other file, for shop owners and data scientists."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from recommender.evaluation.evaluation import BEST_SELLERS, OURS, Evaluation, TaskComparison
from recommender.evaluation.examples import Example, examples
from recommender.evaluation.health import Health
from recommender.evaluation.intervals import Interval
from recommender.evaluation.judge import Figures, Verdict
from recommender.evaluation.prices import Priced, PriceList
from recommender.evaluation.slices import Slice
from recommender.evaluation.trade_off import TradeOff, trade_off

from .evaluation_plots import Bar, bars, colour_of, curves, differences, shares
from .evaluation_tables import idle_dials
from .leak_check import LeakCheck
from .report import FEWEST_CUSTOMERS, counted, judged_days, task_label
from .settings import Settings

SECTIONS = (
    "cleaning",
    "models",
    "new_items",
    "bought_together",
    "blend",
    "ranker",
    "reranking",
    "lists",
    "evaluation",
)
"""Sections of the settings that are shown. `source` is not: it may hold a database's password."""

DIMENSIONS = {
    "activity": "By orders before the cut",
    "recency": "By time since the last order",
    "category": "By the category of most purchases",
}

HEALTH = {
    "coverage": ("share", "of the items that may be shown stand in at least one list"),
    "gini": ("figure", "0: every item is shown as often as any other; 1: all places go to one item"),
    "novelty": ("bits", "1 bit: half of the customers know the item shown; 10 bits: one in a thousand"),
    "diversity": ("figure", "share of pairs of places in a list whose categories differ"),
    "serendipity": ("figure", "share of places that were bought and that best sellers would not have shown"),
    "like_best_sellers": ("share", "of the lists hold the same items as best sellers"),
}
"""Figures of list health: how they are written, and what they mean."""

SOURCE_LABELS = {
    "best_sellers": "best seller",
    "als": "taste",
    "item_knn": "like items bought",
    "co_purchase": "bought together",
    "buy_again": "buy again",
    "customer_knn": "like customers",
    "als_long_term": "long-standing taste",
    "co_purchase_recent": "bought together lately",
    "content": "alike in words",
    "local_best_sellers": "sells well here",
    "linear": "adds to purchases",
}
"""What the models are called in a customer's list."""

_MOST_BOUGHT = 15


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that a report tells.

    Attributes:
        data: what was read, as `cartlift validate --json` tells it.
        settings: that the lists were made with.
        others: settings that ours are compared with, by name.
        evaluation: lists and purchases.
        verdict: the evaluation's figures.
        comparisons: other settings beside ours.
        carts: what carts are shown without learning beside ours.
        prices: what every dial of re-ranking costs; None where that was not asked.
        leaks: None where nobody looked for leaks.
    """

    data: Mapping[str, Any]
    settings: Settings
    others: Mapping[str, Settings]
    evaluation: Evaluation
    verdict: Verdict
    comparisons: Sequence[TaskComparison]
    carts: Sequence[TaskComparison]
    prices: PriceList | None
    leaks: LeakCheck | None


@dataclass(frozen=True, slots=True)
class ShownSlices:
    """Groups of customers, as a plot and a table.

    Attributes:
        title: how the customers were parted, and what was counted.
        plot: bars of ours and of best sellers.
        slices: the figures.
    """

    title: str
    plot: Markup
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class ShownPrices:
    """What re-ranking costs, as plots and a table.

    Attributes:
        prices: the figures.
        plots: one a task.
        moving: dials that change a list.
        idle: names of the others.
    """

    prices: PriceList
    plots: tuple[Markup, ...]
    moving: tuple[Priced, ...]
    idle: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownExample:
    """One customer's list, and what the customer then bought.

    Attributes:
        example: the list and the history.
        truth: name of each item bought, and whether the list held it.
        more: further items bought, not shown.
    """

    example: Example
    truth: tuple[tuple[str, bool], ...]
    more: int


def html_report(judged: Judged) -> str:
    """The page. The same evaluation gives the same page, byte for byte."""
    evaluation, verdict = judged.evaluation, judged.verdict
    curves_of = {name: _curve(evaluation, name) for name in evaluation.lists}
    return _PAGES.get_template("evaluation.html").render(
        judged=judged,
        verdict=verdict,
        evaluation=evaluation,
        days=judged_days(asdict(verdict)),
        answer=answer(verdict),
        main=verdict.tasks[0],
        accuracy=_accuracy_plot(verdict),
        compared=[(name, _differing(judged, name), _compared(judged, name)) for name in judged.others],
        priced=None if judged.prices is None else _priced(judged.prices),
        healths=_healths(evaluation, verdict),
        health_figures=HEALTH,
        slices=list(_slices(verdict)),
        trade_off=curves("trade-off", "Recall beside coverage by length of list", curves_of),
        curves=curves_of,
        methods=[(name, colour_of(name, list(evaluation.lists))) for name in evaluation.lists],
        repeats=_repeats_plot(verdict),
        examples=[_shown(example) for example in examples(evaluation)],
        settings=as_toml(judged.settings),
    )


def answer(verdict: Verdict) -> tuple[str, str]:
    """Whether the lists are better than best sellers: in a word or two, and in a sentence with figures."""
    main, at = verdict.tasks[0], f"nDCG@{verdict.k}"
    ours, theirs, gain = main.ndcg.mean, main.baseline_ndcg.mean, main.gain
    figures = f"{at} is {ours:.3f} against {theirs:.3f}"
    interval = f"95 % interval {_signed(gain.low)} to {_signed(gain.high)}"
    if main.customers < FEWEST_CUSTOMERS or not gain.excludes_zero:
        return "Not proven", (
            "Between these lists and best sellers no difference can be told among "
            f"{counted(main.customers, 'customers')}: {figures}, and the difference of "
            f"{_signed(gain.mean)} may be chance ({interval})."
        )
    if gain.mean < 0:
        return "No", (
            f"Best sellers are nearer to what customers then bought than these lists: {figures}, "
            f"a difference of {_signed(gain.mean)} ({interval})."
        )
    times = f"{ours / theirs:.1f} times as near" if theirs else "nearer"
    return "Yes", (
        f"The lists come {times} to what customers then bought as best sellers do: {figures}, "
        f"a gain of {_signed(gain.mean)} ({interval})."
    )


def as_toml(settings: Settings) -> str:
    """Settings as a file that `--config` reads: all that was learned and judged with, no source."""
    chosen = {name: section for name, section in asdict(settings).items() if name in SECTIONS}
    return "\n".join(_toml_tables(chosen)) + "\n"


def _toml_tables(tables: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, table in tables.items():
        plain = {key: value for key, value in table.items() if value is not None}
        inner = {key: plain.pop(key) for key in tuple(plain) if isinstance(plain[key], dict)}
        if plain:
            yield f"[{within}{name}]"
            # JSON's numbers, texts, truths and lists are TOML's too.
            yield from (f"{key} = {msgspec.json.encode(value).decode()}" for key, value in plain.items())
            yield ""
        yield from _toml_tables(inner, f"{within}{name}.")


def _accuracy_plot(verdict: Verdict) -> Markup:
    rows = [
        Bar(
            f"{task_label(figures.task)} · {figures.customers:,}",
            figures.ndcg,
            figures.baseline_ndcg,
            few=figures.customers < FEWEST_CUSTOMERS,
        )
        for figures in verdict.tasks
    ]
    return bars("accuracy", "Accuracy by task", rows, unit=f"nDCG@{verdict.k}, number of customers beside")


def _slices(verdict: Verdict) -> Iterator[ShownSlices]:
    tasks = dict.fromkeys(one.task for one in verdict.slices)
    for dimension, task in product(DIMENSIONS, tasks):
        found = tuple(one for one in verdict.slices if (one.task, one.dimension) == (task, dimension))
        if not found:
            continue
        title = f"{DIMENSIONS[dimension]}: {task_label(task)}"
        rows = [_slice_bar(one) for one in found]
        yield ShownSlices(title, bars(f"{task}-{dimension}", title, rows, unit=f"nDCG@{verdict.k}"), found)


def _slice_bar(one: Slice) -> Bar:
    unknown = float("nan")
    label = f"{one.name} · {one.customers:,}{' (few)' if one.few else ''}"
    return Bar(label, one.ndcg, Interval(one.baseline_ndcg, unknown, unknown), few=one.few)


def _curve(evaluation: Evaluation, name: str) -> tuple[TradeOff, ...]:
    """Only of lengths that some list reaches: beyond them the line would say nothing."""
    longest = max(len(row) for table in evaluation.lists[name] for row in table)
    found = trade_off(evaluation, name=name)
    return tuple(step for step in found if step.length <= longest) or found[:1]


def _repeats_plot(verdict: Verdict) -> Markup:
    repeats = verdict.repeats
    found = {"purchases": repeats.truth, f"places 1–{repeats.k}": repeats.places, "hits": repeats.hits}
    known = {what: share for what, share in found.items() if share is not None}
    return shares("repeats", "Share that the customer had bought before", known)


def _healths(evaluation: Evaluation, verdict: Verdict) -> dict[str, Health]:
    healths = {OURS: verdict.health, BEST_SELLERS: verdict.baseline_health}
    return healths | {name: evaluation.health(name) for name in evaluation.others}


def _compared(judged: Judged, name: str) -> tuple[Markup, tuple[TaskComparison, ...]]:
    rows = tuple(row for row in judged.comparisons if row.method.name == name)
    number = list(judged.others).index(name) + 1
    plot = differences(
        f"compared-{number}",
        f"Difference of {name} to ours by task",
        {task_label(row.task): row.method.difference for row in rows},
        unit=f"difference in nDCG@{judged.verdict.k}",
    )
    return plot, rows


def _priced(prices: PriceList) -> ShownPrices:
    moving = tuple(dial for dial in prices.dials if dial.changed)
    plots = tuple(
        differences(
            f"price-{task}",
            f"Price of each dial of re-ranking: {task_label(task)}",
            {dial.name: dial.tasks[task].difference for dial in moving},
            unit=f"{task_label(task)}: difference in nDCG@{prices.k}",
        )
        for task in prices.plain
        if moving
    )
    return ShownPrices(prices, plots, moving, tuple(idle_dials(prices)))


def _differing(judged: Judged, name: str) -> list[tuple[str, Any, Any]]:
    """Settings of lists and models that differ: key, theirs, ours."""
    ours, theirs = (dict(_flat(asdict(one))) for one in (judged.settings, judged.others[name]))
    counts = tuple(f"{name}." for name in SECTIONS if name not in ("cleaning", "evaluation"))
    return [
        (key, theirs[key], ours[key]) for key in ours if key.startswith(counts) and theirs[key] != ours[key]
    ]


def _flat(table: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{within}{key}.")
        else:
            yield f"{within}{key}", value


def _shown(example: Example) -> ShownExample:
    """An example with what was bought and was in the list on top."""
    unseen = Counter(place.name for place in example.places if place.hit)
    marked = []
    for name in example.truth:
        marked.append((name, unseen[name] > 0))
        unseen[name] -= 1
    hits_first = sorted(marked, key=lambda bought: not bought[1])
    return ShownExample(example, tuple(hits_first[:_MOST_BOUGHT]), max(len(marked) - _MOST_BOUGHT, 0))


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _sure(figures: Figures) -> bool:
    return figures.customers >= FEWEST_CUSTOMERS and figures.gain.excludes_zero


def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "figure": "{:.3f}".format,
        "share": "{:.1%}".format,
        "bits": "{:.1f} bit".format,
        "number": "{:,}".format,
        "counted": counted,
        "signed": _signed,
        "p_value": lambda p: "<0.001" if p < 0.001 else f"{p:.3f}",
        "day": lambda seconds: datetime.fromtimestamp(seconds, UTC).date().isoformat(),
        "task": task_label,
        "source": SOURCE_LABELS.__getitem__,
    }
    pages.tests["sure"] = _sure
    return pages


_PAGES = _pages()
