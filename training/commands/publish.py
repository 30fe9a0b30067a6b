"""`cartlift publish`, `cartlift snapshots` and `cartlift rollback`."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recommender.command_options import redis_options
from recommender.events.private_customers import read_standings
from recommender.snapshot.directory import Snapshot, load_snapshot
from recommender.snapshot.embedded_redis import choose_redis
from recommender.snapshot.encoding import StoredManifest
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_lock import LOCK_SECONDS
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.store import StoredSnapshot

from ..gate import Gate, Ruling, SnapshotRefused
from ..progress import Progress, Shown, Silent
from ..publish import PublicationPlan, PublishReport, published_manifest, readable
from ..publish import publish as publish_snapshot
from ..settings import load_settings
from ..withheld import without_private

REFUSED = 1
"""Exit code of a publication that the gate is against."""

_LOST = "Redis lost what it noted about the active one: publish it again, which repairs it."

_STATES = {"active": "[bold green]active[/]", "previous": "previous", "complete": "[dim]complete[/]"}


keep_option = click.option(
    "--keep",
    multiple=True,
    metavar="ID",
    help="A snapshot in Redis not to drop, as a variant of an experiment needs it.",
)


@click.command(
    epilog="""\b
Examples:
  cartlift publish snapshots/1
  cartlift publish snapshots/1 --redis redis://127.0.0.1:6379/0 --shop garden
  cartlift publish snapshots/1 --config cartlift.toml
"""
)
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@redis_options
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings, e.g. cartlift.toml; its [gate] counts here.",
)
@click.option(
    "--force", is_flag=True, help="Publish whatever the gate says; its reasons stay in the manifest in Redis."
)
@keep_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def publish(
    snapshot: Path,
    redis_url: str | None,
    shop: str,
    state: Path,
    config: Path | None,
    force: bool,
    keep: tuple[str, ...],
    as_json: bool,
) -> None:
    """Put a snapshot into Redis and make it live in one step.

    It is written beside the live one, read back, and only then switched to: storefronts see the old lists
    or the new ones, never a mixture. The live one stays as `previous`, for `cartlift rollback`. Interrupted,
    it goes on where it stopped when called again. Publishing the live one again looks whether it is whole,
    and repairs it where it is not.

    Rows of customers who opted out or were erased at the service with this --state and --shop are withheld.

    A gate refuses what is worse than the live one: lists that did worse on held-out days beyond noise, or
    reach far fewer customers or items; data that is much smaller, older, or too old. It says why, and what
    is live stays live.

    Exit codes: 0 done, 1 the gate is against it, 2 a setting is wrong, 4 the snapshot or Redis cannot be
    used.
    """
    console = Console(quiet=as_json)
    gate = Gate(load_settings(config).gate, datetime.now(UTC), force)
    source = load_snapshot(snapshot)
    try:
        report = publish_with_words(source, state, shop, redis_url, gate=gate, console=console, keep=keep)
    except SnapshotRefused as refused:
        if as_json:
            click.echo(json.dumps(refusal(refused)))
        print_refusal(refused)
        sys.exit(REFUSED)
    if as_json:
        click.echo(json.dumps(asdict(report)))
    # Only of what was live already: everything else that it is against does not come this far.
    if report.ruling and report.ruling.reasons and not force:
        sys.exit(REFUSED)


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
        manifests = {s.snapshot: published_manifest(store, s.snapshot) for s in stored}
    if as_json:
        click.echo(json.dumps({"snapshots": [asdict(s) | _told_by(manifests[s.snapshot]) for s in stored]}))
    elif stored:
        console.print(_table(stored, manifests))
        _print_forced(console, manifests)
        if stored[0].state == "active" and not stored[0].entries:
            console.print(_LOST, soft_wrap=True)
    else:
        console.print("Nothing has been published yet: run [bold]cartlift publish DIR[/].", highlight=False)


@click.command(epilog="Example: cartlift rollback --redis redis://127.0.0.1:6379/0")
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def rollback(redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """Make the previous snapshot live again, in one step.

    The one that was live becomes `previous`: a second rollback undoes the first. No gate is asked.

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
        return publish_snapshot(_publication(snapshot, state, shop), store)


def publish_with_words(
    snapshot: Snapshot,
    state: Path,
    shop: str,
    redis_url: str | None,
    *,
    gate: Gate,
    console: Console,
    keep: tuple[str, ...],
) -> PublishReport:
    """Publish a snapshot past the gate, telling what is done and what came of it.

    Raises:
        SnapshotRefused: the gate is against it; nothing was written.
    """
    with _opened_store(redis_url, shop, state, console) as store:
        report = publish_snapshot(
            _publication(snapshot, state, shop),
            store,
            gate=gate,
            progress=_progress(console),
            announce=lambda plan: _announce(console, plan),
            keep=keep,
        )
    _print_report(console, report)
    return report


def _publication(snapshot: Snapshot, state: Path, shop: str) -> Publication:
    return Publication(without_private(snapshot, read_standings(state, shop)))


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
    return (
        f"{rest} takes about {readable(plan.capacity.needed)} of memory in Redis ({room}){_a_customer(plan)}"
    )


def _a_customer(plan: PublicationPlan) -> str:
    if plan.budget is None:
        return ""
    return f"; a customer about {plan.budget.whole:,.0f} bytes, {plan.budget.list:,.0f} of them for the list"


def refusal(refused: SnapshotRefused) -> dict[str, object]:
    """What the gate said, as JSON has it."""
    return {"snapshot": refused.snapshot, "live": refused.live, "ruling": asdict(refused.ruling)}


def print_refusal(refused: SnapshotRefused) -> None:
    """Say on standard error why nothing was published."""
    told = f"[bold red]cartlift:[/] {escape(str(refused))}"
    Console(stderr=True).print(told, highlight=False, soft_wrap=True)


def _print_report(console: Console, report: PublishReport) -> None:
    previous = f"previous: {report.previous}" if report.previous else "no previous one"
    what = f"{report.entries:,} entries, {readable(report.size)}"
    hint = "; roll back with `cartlift rollback`" if report.previous else ""
    ruling = report.ruling or Ruling(reasons=())
    for note in ruling.notes:
        console.print(f"Gate: {escape(note)}", style="dim", highlight=False, soft_wrap=True)
    console.print(
        f"live: [bold]{report.snapshot}[/], {previous}, {what}; {_done(report)}{hint}",
        highlight=False,
        soft_wrap=True,
    )
    if ruling.reasons:
        told = f"[bold yellow]It is live although the gate is against it:[/]\n{escape(str(ruling))}"
        console.print(told, highlight=False, soft_wrap=True)


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


def _table(stored: list[StoredSnapshot], manifests: Mapping[str, StoredManifest | None]) -> Table:
    table = Table()
    table.add_column("snapshot")
    table.add_column("state")
    table.add_column("entries", justify="right")
    table.add_column("size", justify="right")
    for s in stored:
        state = _STATES.get(s.state, f"[yellow]{s.state}[/]")
        forced = " [yellow]forced[/]" if _told_by(manifests[s.snapshot])["forced"] else ""
        table.add_row(s.snapshot, state + forced, f"{s.entries:,}", readable(s.size))
    return table


def _print_forced(console: Console, manifests: Mapping[str, StoredManifest | None]) -> None:
    for snapshot, manifest in manifests.items():
        for reason in manifest.forced if manifest else ():
            console.print(f"{snapshot}: {escape(reason)}", highlight=False, soft_wrap=True)


def _told_by(manifest: StoredManifest | None) -> dict[str, object]:
    """What a manifest adds to what the registry says."""
    return {
        "data_until": manifest.data_until if manifest else None,
        "forced": manifest.forced if manifest else (),
    }
