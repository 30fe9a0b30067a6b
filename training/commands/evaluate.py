"""`cartlift evaluate`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.errors import ConfigError, DataError
from recommender.evaluation.evaluation import compared, compared_for_carts
from recommender.evaluation.prices import price_list
from recommender.events.private_customers import read_standings

from ..evaluation import evaluation_of
from ..evaluation_report import Judged, html_report
from ..evaluation_tables import as_json, print_evaluation, print_leaks
from ..interest import check_events, with_interest
from ..leak_check import check_leaks
from ..moment import load_loops
from ..not_judged import why_not_judged
from ..progress import Shown
from ..settings import Settings, load_settings
from .findings_report import report
from .source_options import SourceArguments, events_option, source_options
from .train import moment_of

LONGEST = 1_000
"""Places of the longest list there is."""


@click.command()
@source_options
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cuts to judge at, each 28 days before the next ([evaluation] days); by default 1.",
)
@click.option("--k", "lengths", default="5,10,20", show_default=True, metavar="K,K…", help="Lengths of list.")
@click.option("--until", metavar="TIME", help="Judge as if today were then; orders after it are not read.")
@click.option(
    "--compare",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Other settings to judge on the same customers; can be given several times.",
)
@click.option(
    "--check-leaks", "wary", is_flag=True, help="Try whether anything of the future reaches a list."
)
@events_option
@shop_option
@state_option
@click.option("--json", "to", metavar="FILE", help="Write everything as JSON; - prints it instead of tables.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write a report with plots: one file that needs no other.",
)
def evaluate(
    source: SourceArguments,
    windows: int | None,
    lengths: str,
    until: str | None,
    compare: tuple[Path, ...],
    wary: bool,
    events: bool,
    shop: str,
    state: Path,
    to: str | None,
    page: Path | None,
) -> None:
    """Judge the lists that `cartlift train` would publish, on orders that they have not seen.

    Everything until a cut, 28 days before the newest order, is learned from; the lists made then are held
    against what customers ordered in the 28 days, beside best sellers. Several windows say the same with
    more certainty: each is learned anew, and knows nothing after its own cut. Nothing is published.

    An interval is where a figure would mostly fall with other customers of the same shop: 95 %, by resampling
    customers. A gain is paired, customer by customer; in bold it excludes zero.

    \b
    How good are the lists?
      cartlift evaluate orders/*.csv
    Does a setting help? Both are judged on the same customers; p is corrected for how many were tried:
      cartlift evaluate orders/*.csv --windows 3 --compare longer-memory.toml
    Is nothing of the future used? Everything after the cut is made up, and no list may change:
      cartlift evaluate orders/*.csv --check-leaks
    Do views and carts help? Both calls judge the same customers:
      cartlift evaluate orders/*.csv --json orders.json
      cartlift evaluate orders/*.csv --events --state .cartlift --json events.json
    Figures for a notebook:
      cartlift evaluate orders/*.csv --k 1,5,10,50 --json figures.json
    A page to read and to hand on, with plots and with some customers' lists:
      cartlift evaluate orders/*.csv --html report.html

    Of a file to compare with, what it says of models and lists counts; orders are read and customers chosen
    once, as --config says. What the figures mean: docs/evaluation.md.

    Exit codes: 0 judged, 1 a leak was found, 2 a setting is wrong, 3 the orders cannot be used or judged.
    """
    ks = lengths_of(lengths)
    _check_writable("--json", to)
    _check_writable("--html", page)
    if events:
        check_events(state, shop)
    settings = _with_windows(source.settings(), windows)
    others = {str(path): load_settings(path, preset=source.preset) for path in compare}
    progress, console = Shown(Console(stderr=True)), Console(quiet=to == "-")
    moment = None if until is None else moment_of(until, settings.source.timezone)
    private = read_standings(state, shop)
    read = source.read(settings, until=moment, private=private, progress=progress)
    if events:
        read = with_interest(read, state, shop, private, progress)
    load_loops(progress)
    evaluation = evaluation_of(read, settings, others=others, priced=True, ks=ks, progress=progress)
    if evaluation is None:
        raise DataError(f"nothing can be judged: {why_not_judged(read.orders, settings.evaluation)}")
    with progress.step("Judge"):
        verdict, comparisons = evaluation.verdict(), compared(evaluation)
        carts, prices = compared_for_carts(evaluation), price_list(evaluation)
    leaks = check_leaks(read, settings, progress=progress) if wary else None
    print_evaluation(console, evaluation, verdict, comparisons, carts, prices)
    if leaks is not None:
        print_leaks(console, leaks)
    if to is not None:
        _write_json(as_json(evaluation, verdict, comparisons, carts, prices, leaks), to)
    if page is not None:
        with progress.step("Write the report"):
            judged = Judged(
                report(read), settings, others, evaluation, verdict, comparisons, carts, prices, leaks
            )
            page.write_text(html_report(judged), encoding="utf-8")
    sys.exit(1 if leaks is not None and leaks.differing else 0)


def lengths_of(text: str) -> tuple[int, ...]:
    """Lengths of list as `5,10,20` names them, rising, each once.

    Raises:
        ConfigError: one is no whole number from 1 to 1000.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= LONGEST for word in words):
        raise ConfigError(f"--k {text!r}: write whole numbers from 1 to {LONGEST}, like 5,10,20")
    return tuple(sorted({int(word) for word in words}))


def _with_windows(settings: Settings, windows: int | None) -> Settings:
    if windows is None:
        return settings
    return replace(settings, evaluation=replace(settings.evaluation, windows=windows))


def _check_writable(option: str, to: str | Path | None) -> None:
    """Refuse a file that cannot be written before minutes are spent on what it would hold."""
    if to is not None and not Path(to).parent.is_dir():
        raise ConfigError(f"{option} {to}: there is no folder {Path(to).parent}")


def _write_json(found: dict[str, Any], to: str) -> None:
    text = msgspec.json.format(msgspec.json.encode(found), indent=2)
    if to == "-":
        click.echo(text)
    else:
        Path(to).write_bytes(text + b"\n")
