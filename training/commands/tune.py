"""`cartlift tune`."""

import time
from pathlib import Path

import click
import msgspec
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.errors import ConfigError
from recommender.events.private_customers import read_standings

from ..progress import Shown
from ..tuning import Plan, Tuned
from ..tuning import tune as look_for_settings
from ..tuning_report import as_json, as_toml, print_tuned, trial_line
from ..tuning_study import Trial, Trials
from .source_options import SourceArguments, source_options


@click.command()
@source_options
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Time that the trials may take, earlier calls on the same study counted in.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Trials of each model and of the ranking at most, today's settings being the first.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Windows that settings are chosen on, each 28 days ([evaluation] days); never the last one.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="STAGE",
    help="Tune only this: a model's name, or ranking; can be given several times.",
)
@click.option(
    "--study",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Remember every trial here; the same call goes on where it was interrupted.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tuned.toml"),
    show_default=True,
    metavar="FILE",
    help="TOML file for the settings found.",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --out.")
@shop_option
@state_option
@click.option("--seed", type=int, default=0, show_default=True, help="Of every draw.")
@click.option("--json", "to_json", is_flag=True, help="Print everything as JSON instead of tables.")
def tune(
    source: SourceArguments,
    minutes: float,
    trials: int,
    windows: int,
    only: tuple[str, ...],
    study: Path | None,
    out: Path,
    force: bool,
    shop: str,
    state: Path,
    seed: int,
    to_json: bool,
) -> None:
    """Look for settings that suit this shop better, and say honestly whether they do.

    Half-lives, factors, shrinkage and the like are tried for each model alone, then the size of the ranker
    that orders their proposals (the blend's weights, in a shop too small for a ranker). They are chosen on
    earlier windows of 28 days. The last 28 days are used for nothing but the comparison at the end: settings
    found against today's, customer by customer, with a 95 % interval.

    The defaults suit most shops. Where the interval of the gain holds zero they are as good as what was
    found, and the verdict says so.

    \b
    A first look, half an hour of trials after the models are learned:
      cartlift tune orders/*.csv
    Overnight; should the machine go down, the same line goes on:
      cartlift tune orders/*.csv --minutes 480 --trials 100 --study tuning.db --out tuned.toml
    One model only, on more windows:
      cartlift tune orders/*.csv --only als --windows 4
    Then copy the lines of tuned.toml into cartlift.toml and train:
      cartlift train orders/*.csv --config cartlift.toml --snapshot snapshots/1

    What is tuned, and within which ends: docs/tuning.md.

    Exit codes: 0 done, also where nothing better was found, 2 a setting is wrong, 3 the orders cannot be used
    or are too few.
    """
    _check_free(out, force=force)
    settings, console = source.settings(), Console(stderr=True)
    plan = Plan(minutes, trials, windows, only)
    plan.stages(settings)

    def hear(trial: Trial) -> None:
        console.print(trial_line(trial), highlight=False, soft_wrap=True, markup=False)

    remembered = Trials.kept_in(study, seed=seed, clock=time.monotonic, hear=hear)
    progress = Shown(console)
    read = source.read(settings, private=read_standings(state, shop), progress=progress)
    tuned = look_for_settings(read, settings, plan, remembered, progress=progress)
    out.write_text(as_toml(tuned), encoding="utf-8")
    _tell(tuned, out, to_json=to_json)


def _check_free(out: Path, *, force: bool) -> None:
    """Refuse a file that may not be written before hours are spent on what it would hold."""
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if out.exists() and not force:
        raise ConfigError(f"{out} exists already: name another file with --out, or overwrite it with --force")


def _tell(tuned: Tuned, out: Path, *, to_json: bool) -> None:
    if to_json:
        click.echo(msgspec.json.format(msgspec.json.encode(as_json(tuned)), indent=2))
        return
    console = Console()
    print_tuned(console, tuned)
    console.print(f"Written: [bold]{out}[/]", highlight=False, soft_wrap=True)
