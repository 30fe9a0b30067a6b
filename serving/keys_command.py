"""`cartlift keys`."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from recommender.command_options import shop_option, state_option

from .keys import SCOPES, KeyFile, Scope


@click.group()
def keys() -> None:
    """Make, list and take back the keys of a shop.

    Without any key everybody who reaches the service may read, and nobody may write. With the first key every
    call but /health and /docs needs one, sent as X-API-Key. Services that run notice within a second.

    \b
      cartlift keys create storefront --scope read
      cartlift keys create checkout --scope events --scope admin
      cartlift keys create pages --scope read --scope events --origin https://shop.example --per-second 50
      cartlift keys list
      cartlift keys revoke 1f0a62c3

    \b
    Scopes:
      read    lists
      events  what customers do; from pages all but purchases
      export  what is known of a customer
      admin   items' stock, price and visibility; opt-out and erasure
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="What it may do."
)
@click.option(
    "--origin", "origins", multiple=True, help="Web origin whose pages may use it, e.g. https://shop.example"
)
@click.option(
    "--per-second",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Requests a second that each worker answers it; 0 for no limit.",
)
@shop_option
@state_option
def create(
    name: str, scopes: tuple[Scope, ...], origins: tuple[str, ...], per_second: float, shop: str, state: Path
) -> None:
    """Make a key, and show it this once.

    To replace one without a gap: make the new key, change its users, then revoke the old one.
    """
    made = KeyFile(state).create(
        name=name,
        shop=shop,
        scopes=scopes,
        created_at=_now(),
        origins=origins,
        per_second=per_second,
    )
    click.echo(made)
    Console(stderr=True).print("Only its hash is kept: note it now.", style="dim", highlight=False)


@keys.command("list")
@shop_option
@state_option
def list_(shop: str, state: Path) -> None:
    """Show the keys of the shop, without their secrets."""
    table = Table(box=None)
    for heading in ("key", "name", "scopes", "origins", "a second", "created"):
        table.add_column(heading)
    found = [key for key in KeyFile(state).all() if key.shop == shop]
    for key in found:
        table.add_row(
            key.id, key.name, ", ".join(key.scopes), ", ".join(key.origins),
            f"{key.per_second:g}" if key.per_second else "", key.created_at,
        )  # fmt: skip
    console = Console()
    if found:
        console.print(table)
    else:
        console.print(f"No keys for shop {shop!r}: everybody may read, nobody may write.", highlight=False)


@keys.command()
@click.argument("key")
@state_option
def revoke(key: str, state: Path) -> None:
    """Take back the key with this id, of whatever shop; it opens nothing within a second."""
    gone = KeyFile(state).revoke(key)
    click.echo(f"{gone.id} ({gone.name}) opens shop {gone.shop!r} no more.")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
