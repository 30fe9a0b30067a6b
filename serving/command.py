"""`cartlift serve`."""

import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer
from rich.console import Console

from recommender.command_options import redis_options
from recommender.errors import ConfigError, SnapshotError, StoreUnavailable
from recommender.snapshot.embedded_redis import RedisChoice, choose_redis
from recommender.snapshot.redis_store import RedisStore, connect

from .keys import KeyRing
from .leaving import tell_to_leave
from .listening import held_address
from .log_format import LOG_FORMATS, LogFormat, configure_logging, server_logging
from .placements import load_service_settings
from .row_memory import shared_memory
from .run_folder import run_folder
from .settings import ACCESS_SHARE, WorkerSettings
from .wsgi import worker_application

logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 10
"""Longest wait for requests in flight when the service stops."""

_HEAD = HTTP1Settings(header_read_timeout=10_000, max_buffer_size=128 << 10)
"""What a request's line and headers may take, in milliseconds and bytes."""


@click.command()
@redis_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), default=8080, show_default=True, help="Port to listen on."
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="CARTLIFT_SERVE_CONFIG",
    help="TOML file that says what is shown where, by which rules: [placements.NAME], [experiments.NAME].",
)
@click.option(
    "--workers", type=click.IntRange(1), default=None, help="Worker processes.  [default: one a core]"
)
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    default="text",
    show_default=True,
    help="Log lines as text, or as JSON objects.",
)
@click.option(
    "--access-log",
    type=click.FloatRange(0, 1),
    default=ACCESS_SHARE,
    show_default=True,
    metavar="SHARE",
    help="Share of requests that are logged; those that failed or were slow are anyhow.",
)
def serve(
    redis_url: str | None,
    shop: str,
    state: Path,
    host: str,
    port: int,
    config: Path | None,
    workers: int | None,
    log_format: LogFormat,
    access_log: float,
) -> None:
    """Answer storefronts from the published snapshot, and follow every newer one.

    Ctrl-C or SIGTERM ends it once the requests in flight are answered. SIGUSR1 replaces its workers, one
    after the other, while requests go on: they read the file of --config anew.

    \b
      cartlift serve
      cartlift serve --redis redis://127.0.0.1:6379/0 --shop garden --port 9000 --workers 4
      cartlift serve --config serve.toml

    Exit codes: 0 told to stop, 2 a setting is wrong, 4 Redis cannot be used.
    """
    placements = load_service_settings(config).placements
    with (
        held_address(host, port) as address,
        _redis(redis_url, state) as redis,
        run_folder() as reports,
        shared_memory() as rows,
    ):
        settings = WorkerSettings(redis.url, shop, state, config, reports, rows, log_format, access_log)
        keyed = not KeyRing(settings.keys, shop, time.monotonic).empty
        url = f"http://{_shown(address)}:{port}"
        facts = _facts(redis.description, _live_snapshot(settings), url, _notes(address, placements, keyed))
        _announce(facts, settings)
        os.environ.update(settings.to_environment())
        logs = server_logging(log_format, shop)
        server = make_server(address, port, workers or usable_cores(), logs)
        server.on_startup(_replace_workers_when_told(server, settings))
        server.serve(target_loader=worker_application, wrap_loader=False)


@contextmanager
def _redis(url: str | None, state: Path) -> Iterator[RedisChoice]:
    """The Redis to read from; the user's own may still be down, and is then waited for by the workers."""
    with ExitStack() as stack:
        try:
            choice = stack.enter_context(choose_redis(url, state, os.environ.get("PATH", "")))
        except StoreUnavailable as error:
            if url is None:
                raise
            choice = RedisChoice(url, f"{error}. Starting all the same")
        yield choice


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_server(address: str, port: int, workers: int, logs: dict[str, Any] | None = None) -> MPServer:
    """A server of workers with one blocking thread each, that ends with exit code 0 when told to."""
    server = MPServer(
        "recommender.serving.wsgi:worker_application",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        # Told which protocol to expect, granian closes a connection that stays silent.
        http=HTTPModes.http1,
        http1_settings=_HEAD,
        workers=workers,
        blocking_threads=1,
        respawn_failed_workers=True,
        workers_kill_timeout=_DRAIN_SECONDS,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs,
    )
    server.on_startup(_stop_on_hangup(server))
    server.on_startup(_stop_while_starting)
    server.on_shutdown(_forgive_workers(server))
    return server


def _stop_on_hangup(server: MPServer) -> Callable[[], None]:
    before = signal.getsignal(signal.SIGHUP)

    def hook() -> None:
        # granian replaces its workers at a hang-up; a closed terminal should end the service, but for nohup.
        signal.signal(signal.SIGHUP, before if before is signal.SIG_IGN else server.signal_handler_interrupt)

    return hook


def _replace_workers_when_told(server: MPServer, settings: WorkerSettings) -> Callable[[], None]:
    def replace(*_: object) -> None:
        # Workers that cannot start would end the service: those that run are better than none.
        try:
            load_service_settings(settings.config)
            KeyRing(settings.keys, settings.shop, time.monotonic)
        except ConfigError as error:
            logger.error("the workers stay as they are: %s", error)
            return
        logger.info("replacing the workers, one after the other")
        assert settings.reports is not None
        try:
            tell_to_leave(settings.reports, [worker.inner.pid for worker in server.wrks])
        except OSError as error:
            logger.warning("connections may end without an answer: %s", error)
        server.signal_handler_reload()  # type: ignore[no-untyped-call]

    def hook() -> None:
        signal.signal(signal.SIGUSR1, replace)

    return hook


def _stop_while_starting() -> None:
    # Until a worker has loaded the application it would answer signals as its parent does: by noting that it
    # was told to stop, which nobody reads there. The parent would wait for it, and then kill the others, too.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _forgive_workers(server: MPServer) -> Callable[[], None]:
    def hook() -> None:
        # A supervisor may signal the workers beside us; that they were quicker to stop is no failure.
        if server.interrupt_signal:
            server.interrupt_children.clear()

    return hook


def _live_snapshot(settings: WorkerSettings) -> str:
    try:
        return RedisStore(connect(settings.redis_url), settings.shop).active_id()
    except SnapshotError as error:
        return f"none yet ({error})"


def _notes(address: str, placements: Collection[str], keyed: bool) -> list[tuple[str, str]]:
    """Which placements are known, who may call, and what to know before strangers can reach the service."""
    notes = [("Rules of", ", ".join(placements))] if placements else []
    if not keyed:
        notes.append(("Keys", "none: everybody may read, nobody may write (`cartlift keys create --help`)"))
    if not ip_address(address.partition("%")[0]).is_loopback:
        said = "reachable from elsewhere: put a proxy in front that buffers requests, see docs/operations.md"
        notes.append(("Note", said))
    return notes


def _facts(redis: str, snapshot: str, url: str, notes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        ("Redis", redis),
        ("Snapshot", snapshot),
        ("Try", f"{url}/v1/best-sellers?n=5"),
        ("Docs", f"{url}/docs"),
        ("Ready", f"{url}/health/ready"),
        *notes,
    ]


def _announce(facts: list[tuple[str, str]], settings: WorkerSettings) -> None:
    if settings.log_format == "json":
        configure_logging(settings.log_format, settings.shop)
        logger.info("%s", "; ".join(f"{name}: {value}" for name, value in facts))
        return
    console = Console()
    for name, value in facts:
        console.print(f"[bold]{name:<9}[/]", end="")
        console.print(value, markup=False, highlight=False, soft_wrap=True)


def _shown(address: str) -> str:
    """The address as a URL that can be clicked on this machine."""
    clickable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"[{clickable}]" if ":" in clickable else clickable
