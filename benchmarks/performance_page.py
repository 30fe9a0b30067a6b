"""Writes docs/performance.md and its picture from what was kept: `python -m benchmarks.performance_page`."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.figure import Figure

from benchmarks.results import FOLDER

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PICTURE = FOLDER / "performance.png"

_GIGABYTE = 1e9

_OURS, _PARITY = "#4c78a8", "#d62728"

_INTRODUCTION = """\
# Performance

Ratios of two ways of doing one thing, timed by turns: machines differ and are never quiet, so seconds say
little, and some were taken while other work ran beside. Each is the median of at least three turns unless it
says otherwise. Every result is kept with its
turns, machine and versions in `benchmarks/results/`. S is a generated shop of 100,000 customers, 10,000 items
and 2 million order lines, M of 500,000, 50,000 and 15 million, L of a million, 100,000 and 50 million: items
sell by Zipf's law, customers like three clusters of items, 15 % of the lines are repeats.

This page is written by `python -m benchmarks.performance_page` from the results; the command behind each
section measures it again.

![How many times as fast as the alternative](../benchmarks/results/performance.png)
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        result: name of the kept result that it shows; without one it is left out.
        title: its heading.
        text: what was compared.
        rows: the figures as a table, headings first.
    """

    result: str
    title: str
    text: str
    rows: Callable[[Any], Iterable[Sequence[str]]]


def _top_n(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield (
        "shop",
        "customers",
        "items",
        "purchases",
        "times as fast",
        "as advised",
        "same lists",
        "largest gap",
    )
    for name, row in shops.items():
        sizes = (f"{row[size]:,}" for size in ("customers", "items", "purchases"))
        ratios = f"{row['ratio']:.1f}", f"{row['ratio_advised']:.1f}"
        yield name, *sizes, *ratios, f"{row['same']:.2%}", f"{row['gap']:.0e}"


def _als(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield (
        "shop", "factors", "a pass, times as fast", "objective", "whole run", "passes", "recall@50",
        "implicit's best",
    )  # fmt: skip
    for name, rows in shops.items():
        for row in rows:
            yield (
                name, str(row["factors"]), f"{row['pass_ratio']:.1f}", f"{row['objective_gap']:+.2%}",
                f"{row['whole_ratio']:.1f}", str(row["passes"]), f"{row['recall']:.4f}",
                f"{row['library_recall']:.4f}",
            )  # fmt: skip


def _co_purchase(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield (
        "shop", "rows", "items", "entries", "beside sparse_dot_topn", "beside implicit", "same lists",
        "largest gap",
    )  # fmt: skip
    for name, row in shops.items():
        sizes = (f"{row[size]:,}" for size in ("rows", "items", "entries"))
        ratios = (f"{row[other]['ratio']:.1f}" for other in ("sparse_dot_topn", "implicit"))
        other = row["sparse_dot_topn"]
        yield name, *sizes, *ratios, f"{other['same']:.0%}", f"{other['gap']:.0e}"


def _publish(figures: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield (
        "shop", "customers", "beside a pipeline", "the whole publication", "beside MSET", "bytes a customer",
        "as keys",
    )  # fmt: skip
    for name, row in figures["shops"].items():
        ratios = (f"{ratio:.1f}" for ratio in row["ratios"])
        yield name, f"{row['customers']:,}", *ratios, *(f"{each:.0f}" for each in row["bytes"])


def _trees(row: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "trees", "candidates", "times as fast", "same scores"
    yield str(row["trees"]), f"{row['candidates']:,}", f"{row['ratio']:.1f}", "to the last bit"


def _offline(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "shop", "stage", "theirs, s", "ours, s", "times as fast"
    for name, row in shops.items():
        for stage, ratio in row["ratios"].items():
            yield name, stage, *_seconds(row, "stock", "ours", stage), f"{ratio:.1f}"
        for stage, ratio in row["libraries"].items():
            ours = stage.partition(",")[0]
            cells = f"{_took(row, 'libraries', stage):.1f}", f"{_took(row, 'ours', ours):.1f}"
            yield name, stage, *cells, f"{ratio:.1f}"
        if row["runs"].get("two-stage"):
            seconds = _seconds(row, "stock", "two-stage", "whole")
            yield name, "whole, two stages", *seconds, f"{row['two_stage']:.1f}"
        for pipeline, run in row["cold"].items():
            stock = median(each["whole"] for each in row["runs"]["stock"])
            cells = f"{stock:.1f}", f"{run['whole']:.1f}", f"{stock / run['whole']:.1f}"
            yield name, f"{pipeline}, nothing compiled", *cells
        peaks = (f"{max(run['peak'] for run in row['runs'][who]):.2f} GB" for who in ("stock", "ours"))
        yield name, "memory at most", *peaks, ""
        if both := row["runs"].get("two-stage"):
            yield name, "memory at most, two stages", "", f"{max(run['peak'] for run in both):.2f} GB", ""


def _seconds(row: Mapping[str, Any], theirs: str, ours: str, stage: str) -> tuple[str, str]:
    return f"{_took(row, theirs, stage):.1f}", f"{_took(row, ours, stage):.1f}"


def _took(row: Mapping[str, Any], who: str, stage: str) -> float:
    return median(run["whole"] if stage == "whole" else run["stages"][stage] for run in row["runs"][who])


def _growth(growth: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "stage", *(f"{lines:,} lines" for lines in growth["lines"]), "exponent"
    for name, seconds in growth["seconds"].items():
        yield name, *(f"{took:.1f} s" for took in seconds), f"{growth['exponents'][name]:.2f}"


def _memory(runs: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    yield "shop", "lines", "customers", "stages", "peak", "minutes"
    for run in runs:
        peak = max(used["peak"] for used in run["stages"].values()) / _GIGABYTE
        minutes = sum(used["seconds"] for used in run["stages"].values()) / 60
        sizes = (f"{run['facts'][size]:,}" for size in ("lines", "customers"))
        yield run["shop"], *sizes, "two" if run["ranked"] else "one", f"{peak:.2f} GB", f"{minutes:.1f}"


def _incremental(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "shop", "days", "lists made", "times as fast", "nDCG@10", "of a full run", "overlap, carried over"
    for name, row in shops.items():
        ndcg = (f"{row[f'ndcg_{kind}']:.4f}" for kind in ("update", "full"))
        made, overlap = f"{row['customers_made']:.0%}", f"{row['overlap_carried']:.2f}"
        yield name, str(row["days"]), made, f"{row['ratio']:.1f}", *ndcg, overlap


def _serving(found: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield (
        "asked",
        "beside",
        "connections",
        "theirs, requests/s",
        "ours, requests/s",
        "times as many",
        "theirs, p99",
        "ours, p99",
        "share",
    )
    for row in found["rows"]:
        per_second = (f"{median(load['per_second'] for load in row[who]):,.0f}" for who in ("theirs", "ours"))
        p99 = (f"{median(load['p99'] for load in row[who]):.1f} ms" for who in ("theirs", "ours"))
        ratios = f"{row['per_second_ratio']:.2f}", f"{row['p99_ratio']:.2f}"
        asked = row["asked"], row["beside"], str(row["connections"])
        yield *asked, *per_second, ratios[0], *p99, ratios[1]
    workers = " and ".join(f"{size:.0f}" for size in found["worker_megabytes"])
    yield f"private memory of our workers: {workers} MB", *[""] * 8


def _fold_in(found: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "factors of the model", "ours, a session", "share of implicit's time"
    for name, row in found.items():
        yield name, f"{row['milliseconds']:.2f} ms", f"{row['share']:.2f}"


def _spark(shops: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    yield "shop", "lines", "Spark, local[2]", "one machine alone", "nDCG@10", "alone", "overlap"
    for name, row in shops.items():
        seconds = (f"{sum(row[who].values()):.0f} s" for who in ("spark", "local"))
        ndcg = (f"{row['ndcg'][who]:.4f}" for who in ("spark", "local"))
        yield name, f"{row['lines']:,}", *seconds, *ndcg, f"{row['overlap']:.2f}"


SECTIONS = (
    Section(
        "offline",
        "From Parquet files to Redis",
        "Beside pandas, implicit (run as it advises, with one thread for BLAS, 15 passes) and a redis-py "
        "pipeline of JSON: ALS with 64 factors, 50 items for every customer, 50 beside every item by plain "
        "cosine. Ours makes as many passes of ALS as its defaults find worth it. Each run is a process of "
        "its own, and `whole` is its whole life, imports included. Below the stages of that pipeline stand "
        "the same ones by the libraries named, with as many factors and passes, one run each. Two stages are "
        "the product with the settings of `benchmarks/settings/large_shop.toml`: several models, trees that "
        "rank, reasons, item pages, carts, a snapshot on disk, checked publication; judging and what is due "
        "again are left out. Seconds are medians; `nothing compiled` is one run each on a machine that has "
        "never run it.",
        _offline,
    ),
    Section(
        "top_n",
        "The best 50 items of every customer",
        "Beside `implicit.recommend` with the same 64 factors, as it comes and as it advises (one thread for "
        "BLAS); what was bought is left out by both. How it is done: [ADR 12](adr/0012-compiled-kernels.md). "
        "Where lists differ, two items differ by less than single precision can tell: the last column is the "
        "largest difference of two scores in one place, relative to the score.",
        _top_n,
    ),
    Section(
        "als",
        "ALS",
        "Beside implicit's solver from the same first factors: a pass, the objective after as many passes "
        "(relative to implicit's), and a whole run, which stops early, beside implicit's 15 passes. How it "
        "is done: [ADR 13](adr/0013-als-solver.md).",
        _als,
    ),
    Section(
        "co_purchase",
        "Counting what is bought together",
        "The 50 closest items of every item by cosine, beside sparse_dot_topn and implicit's "
        "`CosineRecommender`. Many cosines of rare items are equal, and each breaks ties in its own way: "
        "the gap is the largest difference of two cosines in one place of ours and sparse_dot_topn's lists.",
        _co_purchase,
    ),
    Section(
        "trees",
        "The ranker's trees",
        "Beside LightGBM's own `predict`, one thread each.",
        _trees,
    ),
    Section(
        "publish",
        "Publishing",
        "Made-up lists of 50 places with scores; a pipeline and MSET are given rows that are encoded "
        "already. Bytes are what Redis says it takes, everything counted: ours in pages, and a key a "
        "customer ([ADR 14](adr/0014-pages-of-rows.md)).",
        _publish,
    ),
    Section(
        "growth",
        "How time grows with the shop",
        "The single-stage pipeline on an eighth, a quarter, a half and the whole of M. Time grows with lines "
        "to the power of the exponent.",
        _growth,
    ),
    Section(
        "memory",
        "Memory",
        "Of the whole product from Parquet files to Redis, with the settings for large shops, judging "
        "included, each in a process of its own; once each.",
        _memory,
    ),
    Section(
        "incremental",
        "The daily update",
        "`cartlift update` with one day's orders beside a full run, after some such days in a row "
        "([ADR 16](adr/0016-incremental.md)).",
        _incremental,
    ),
    Section(
        "serving",
        "Answering",
        "The first ten of a known customer's fifty, Zipf over 200,000 customers, beside a plain service "
        "(Flask, redis-py over TCP, JSON, two sync workers of gunicorn); load, services and Redis on the "
        "same two cores, by turns. Ours with a key that has a limit.",
        _serving,
    ),
    Section(
        "fold_in",
        "Sessions",
        "A session of 20 items is placed among the factors of 50,000, every item is scored and the best 50 "
        "are picked, beside `implicit.recommend(recalculate_user=True)`, one thread each. Of a model with "
        "more than 64 factors a snapshot holds the 64 directions that tell most, and implicit has them all "
        "([ADR 20](adr/0020-fold-in.md)).",
        _fold_in,
    ),
    Section(
        "spark",
        "Spark",
        "The engine for more than one machine, here on one; see [scaling](scaling.md).",
        _spark,
    ),
)


def page() -> str:
    """The page as Markdown."""
    parts = [_INTRODUCTION]
    for section in SECTIONS:
        if (figures := _kept(section.result)) is not None:
            command = f"`python -m benchmarks.{section.result}`"
            parts.append(
                f"## {section.title}\n\n{section.text} ({command})\n\n{_markdown(section.rows(figures))}"
            )
    return "\n".join(parts)


def _kept(name: str) -> Any:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text())["figures"] if path.exists() else None


def _markdown(rows: Iterable[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ratios() -> dict[str, float]:
    """What the picture shows: comparison → how many times as fast ours is."""
    found: dict[str, float] = {}
    for shop, row in (_kept("top_n") or {}).items():
        found[f"best 50 items, {shop}"] = row["ratio_advised"]
    for shop, rows in (_kept("als") or {}).items():
        found |= {f"ALS with {row['factors']} factors, {shop}": row["whole_ratio"] for row in rows}
    for shop, row in (_kept("co_purchase") or {}).items():
        found[f"bought together, {shop}"] = row["sparse_dot_topn"]["ratio"]
    for shop, row in (_kept("publish") or {"shops": {}})["shops"].items():
        found[f"publishing, {shop}"] = row["ratios"][0]
    for shop, row in (_kept("offline") or {}).items():
        found[f"files to Redis, {shop}"] = row["ratios"]["whole"]
        if row["two_stage"]:
            found[f"files to Redis in two stages, {shop}"] = row["two_stage"]
    return found


def draw(found: Mapping[str, float], to: Path) -> None:
    """Bars, one a comparison, on a logarithmic scale."""
    figure = Figure(figsize=(9, 1 + 0.3 * len(found)), layout="constrained")
    axes = figure.subplots()
    # From parity on, so that what is slower shows, too.
    bars = axes.barh(list(found), [ratio - 1 for ratio in found.values()], left=1, color=_OURS)
    axes.bar_label(bars, [f"{ratio:.1f}" for ratio in found.values()], padding=3)
    axes.axvline(1, color=_PARITY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([0.5, 1, 2, 3, 5, 10], ["0.5", "1", "2", "3", "5", "10"])
    axes.set_xticks([], minor=True)
    axes.set_xlim(0.7 * min(1.0, *found.values()), 1.2 * max(2.0, *found.values()))
    axes.set_xlabel("times as fast as the alternative")
    axes.invert_yaxis()
    axes.grid(axis="x", linewidth=0.3)
    figure.savefig(to, dpi=110, metadata={"Software": None})


def main() -> None:
    """Write both."""
    PAGE.write_text(page())
    draw(ratios(), PICTURE)
    print(f"wrote {PAGE} and {PICTURE}")


if __name__ == "__main__":
    main()
