"""What the verbs that read orders are told on the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from recommender.events.private_customers import NOTHING_ASKED, Standings

from ..presets import PRESETS
from ..progress import Progress, Silent
from ..settings import Settings, load_settings
from ..sources import ReadOrders, read_orders


@dataclass(frozen=True, slots=True)
class SourceArguments:
    """Where orders come from, as the command line says.

    Attributes:
        orders: files, folders, globs, or one database URL.
        preset: name of a preset.
        config: settings file.
        items: item file.
        query: SQL that selects order lines.
    """

    orders: tuple[str, ...]
    preset: str | None
    config: Path | None
    items: str | None
    query: str | None

    def settings(self) -> Settings:
        """Settings of the preset and the file."""
        return load_settings(self.config, preset=self.preset)

    def read(
        self,
        settings: Settings,
        *,
        quarantine: Path | None = None,
        until: int | None = None,
        private: Standings = NOTHING_ASKED,
        progress: Progress | None = None,
    ) -> ReadOrders:
        """Read and clean the orders, as `read_orders` does."""
        return read_orders(
            self.orders,
            settings,
            items=self.items,
            query=self.query,
            quarantine=quarantine,
            until=until,
            private=private,
            progress=progress or Silent(),
        )


_OPTIONS = (
    click.option("--query", metavar="SQL", help="Query that selects order lines, for a database URL."),
    click.option("--items", metavar="FILE", help="Item file: titles, categories, prices, availability."),
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Settings, e.g. cartlift.toml.",
    ),
    click.option("--preset", type=click.Choice(list(PRESETS)), help="An export whose columns are known."),
    # Not click.Path: globs and database URLs are no paths.
    click.argument("orders", nargs=-1, metavar="[ORDERS]..."),
)


memory_option = click.option(
    "--memory",
    metavar="SIZE",
    help="Refuse a training that is expected to need more, e.g. 8GB. "
    "Without it, more than the machine or its container has is only warned of.",
)


events_option = click.option(
    "--events", is_flag=True, help="Let views and carts count, too: those that the service kept in --state."
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ORDERS, --preset, --config, --items and --query to a command, which gets them as `source`."""

    @wraps(command)
    def with_source(
        *,
        orders: tuple[str, ...],
        preset: str | None,
        config: Path | None,
        items: str | None,
        query: str | None,
        **others: Any,
    ) -> Any:
        return command(source=SourceArguments(orders, preset, config, items, query), **others)

    decorated: Callable[..., Any] = with_source
    for option in _OPTIONS:
        decorated = option(decorated)
    return decorated
