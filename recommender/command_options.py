"""Command line options that verbs of both programs share, so that they read the same everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_REDIS_HELP = (
    "Redis to use, e.g. redis://127.0.0.1:6379/0, rediss://… or unix:///path; of a cluster, any node. "
    "Without it: a server of our own in the state folder."
)


state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".cartlift"),
    envvar="CARTLIFT_STATE",
    show_default=True,
    help="Folder for our own Redis (its data, socket and log) and for keys.",
)

shop_option = click.option(
    "--shop",
    default="shop",
    envvar="CARTLIFT_SHOP",
    show_default=True,
    help="Prefix of every key, so that shops can share a Redis: letters, digits, - and _.",
)


def redis_options(command: Command) -> Command:
    """Add --redis, --shop and --state to a command."""
    redis_option = click.option("--redis", "redis_url", envvar="REDIS_URL", help=DEFAULT_REDIS_HELP)
    for option in (state_option, shop_option, redis_option):
        command = option(command)
    return command
