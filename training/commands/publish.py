"""`cartlift publish`, `cartlift snapshots` and `cartlift rollback`."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from recommender.command_options import redis_options
from recommender.snapshot.directory import Snapshot, load_snapshot
from recommender.snapshot.embedded_redis import choose_redis
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_lock import LOCK_SECONDS
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.store import StoredSnapshot

from ..progress import Progress, Shown, Silent
from ..publish import PublicationPlan, PublishReport, readable
from ..publish import publish as publish_snapshot

_LOST = "Redis lost what it noted about the active one: publish it again, which repairs it."

_STATES = {"active": "[bold green]active[/]", "previous": "previous", "complete": "[dim]complete[/]"}


@click.command(
    epilog="""\b
Examples:
  cartlift publish snapshots/1
  cartlift publish snapshots/1 --redis redis://127.0.0.1:6379/0 --shop garden
"""
)
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def publish(snapshot: Path, redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """Put a snapshot into Redis and make it live in one step.

    It is written beside the live one, read back, and only then switched to: storefronts see the old lists
    or the new ones, never a mixture. The live one stays as `previous`, for `cartlift rollback`. Interrupted,
    it goes on where it stopped when called again. Publishing the live one again looks whether it is whole,
    and repairs it where it is not.

    Exit codes: 0 done, 2 a setting is wrong, 4 the snapshot or Redis cannot be used.
    """
    console = Console(quiet=as_json)
    source = Publication(load_snapshot(snapshot))
    with _opened_store(redis_url, shop, state, console) as store:
        report = publish_snapshot(
            source, store, progress=_progress(console), announce=lambda plan: _announce(console, plan)
        )
        if as_json:
            click.echo(json.dumps(asdict(report)))
        else:
            _print_report(console, report)


@click.command(epilog="Example: cartlift snapshots --shop garden")
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def snapshots(redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """List the snapshots in Redis: which is live, and which one a rollback returns to.

    Exit codes: 0 done, 2 a setting is wrong, 4 the snapshot or Redis cannot be used.
    """
    console = Console(quiet=as_json)
    with _opened_store(redis_url, shop, state, console) as store:
        stored = store.snapshots()
    if as_json:
        click.echo(json.dumps({"snapshots": [asdict(s) for s in stored]}))
    elif stored:
        console.print(_table(stored))
        if stored[0].state == "active" and not stored[0].entries:
            console.print(_LOST, soft_wrap=True)
    else:
        console.print("Nothing has been published yet: run [bold]cartlift publish DIR[/].", highlight=False)


@click.command(epilog="Example: cartlift rollback --redis redis://127.0.0.1:6379/0")
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def rollback(redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """Make the previous snapshot live again, in one step.

    The one that was live becomes `previous`: a second rollback undoes the first.

    Exit codes: 0 done, 2 a setting is wrong, 4 the snapshot or Redis cannot be used.
    """
    console = Console(quiet=as_json)
    with _opened_store(redis_url, shop, state, console) as store:
        live = store.roll_back()
        previous = next((s.snapshot for s in store.snapshots() if s.state == "previous"), None)
    if as_json:
        click.echo(json.dumps({"snapshot": live, "previous": previous}))
    else:
        console.print(f"live: [bold]{live}[/], previous: {previous}", highlight=False, soft_wrap=True)


def publish_to_redis(
    snapshot: Snapshot, state: Path, shop: str, redis_url: str | None = None
) -> PublishReport:
    """Publish a snapshot from memory, without a word on the terminal.

    Args:
        snapshot: what to publish.
        state: folder of our own Redis.
        shop: prefix of the keys.
        redis_url: a running Redis to use instead.
    """
    with _opened_store(redis_url, shop, state, Console(quiet=True)) as store:
        return publish_snapshot(Publication(snapshot), store)


@contextmanager
def _opened_store(redis_url: str | None, shop: str, state: Path, console: Console) -> Iterator[RedisStore]:
    with choose_redis(redis_url, state, os.environ.get("PATH", os.defpath)) as choice:
        console.print(
            f"Using {choice.description}", style="dim", highlight=False, markup=False, soft_wrap=True
        )
        with connect(choice.url) as client:
            yield RedisStore(client, shop, sleep=_Waiting(console))


@dataclass
class _Waiting:
    """Sleeps, and says once why."""

    console: Console
    said: bool = False

    def __call__(self, seconds: float) -> None:
        if not self.said:
            self.console.print(
                f"Another publisher has not finished: waiting up to {LOCK_SECONDS:.0f} s to see if it lives",
                highlight=False,
                soft_wrap=True,
            )
        self.said = True
        time.sleep(seconds)


def _progress(console: Console) -> Progress:
    return Silent() if console.quiet else Shown(console)


def _announce(console: Console, plan: PublicationPlan) -> None:
    size = f"{plan.size.entries:,} entries, {readable(plan.size.size)}"
    console.print(f"Publishing {plan.snapshot}: {size}; {_effort(plan)}", highlight=False, soft_wrap=True)


def _effort(plan: PublicationPlan) -> str:
    if plan.there >= plan.size.entries:
        return "all of them are there already"
    rest = f"{plan.there:,} of them are there already, the rest" if plan.there else "that"
    free = plan.capacity.free
    room = "no limit is set" if free is None else f"{readable(free)} are left"
    return f"{rest} takes about {readable(plan.capacity.needed)} of memory in Redis ({room})"


def _print_report(console: Console, report: PublishReport) -> None:
    previous = f"previous: {report.previous}" if report.previous else "no previous one"
    what = f"{report.entries:,} entries, {readable(report.size)}"
    hint = "; roll back with `cartlift rollback`" if report.previous else ""
    console.print(
        f"live: [bold]{report.snapshot}[/], {previous}, {what}; {_done(report)}{hint}",
        highlight=False,
        soft_wrap=True,
    )


def _done(report: PublishReport) -> str:
    if not report.already_active:
        dropped = f", dropped {_counted(len(report.dropped), 'old snapshot')}" if report.dropped else ""
        return f"took {report.seconds:.1f} s{dropped}"
    if report.repaired is None:
        return f"was live already, all entries are there, {report.compared:,} compared: nothing to do"
    if report.repaired == 0:
        return "was live already, every entry was right, rebuilt what Redis notes about them"
    return f"was live already, repaired {_counted(report.repaired, 'entry', 'entries')}"


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _table(stored: list[StoredSnapshot]) -> Table:
    table = Table()
    table.add_column("snapshot")
    table.add_column("state")
    table.add_column("entries", justify="right")
    table.add_column("size", justify="right")
    for s in stored:
        state = _STATES.get(s.state, f"[yellow]{s.state}[/]")
        table.add_row(s.snapshot, state, f"{s.entries:,}", readable(s.size))
    return table
