"""`cartlift campaign`."""

from pathlib import Path

import click
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.events.private_customers import read_standings
from recommender.ranking.due_list import HORIZONS
from recommender.snapshot.directory import load_snapshot

from ..bundles import customer_frame, shop_frame
from ..due_soon import due_frame
from ..export import check_writable, write_table
from ..withheld import without_private


@click.group()
def campaign() -> None:
    """What mailings are made of (docs/replenishment.md, docs/bundles.md).

    \b
      cartlift campaign due snapshots/1 --to due.csv
      cartlift campaign bundles snapshots/1 --to bundles.csv
    """


@campaign.command()
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--within",
    type=click.Choice([str(days) for days in HORIZONS]),
    default="14",
    show_default=True,
    metavar="DAYS",
    help=f"Days ahead: {', '.join(map(str, HORIZONS[:-1]))} or {HORIZONS[-1]}.",
)
@click.option(
    "--at-least",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    metavar="SHARE",
    help="Chance of a purchase within these days.",
)
@click.option(
    "-n", type=click.IntRange(1, 100), default=3, show_default=True, help="Items of a customer at most."
)
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A .csv, .ndjson or .parquet file."
)
@state_option
@shop_option
def due(snapshot: Path, within: str, at_least: float, n: int, to: Path, state: Path, shop: str) -> None:
    """Write who will soon buy what again: the daily pull of a "due soon" mailing.

    A line an item: customer_id, rank, item_id, title, the chances of a purchase within 7, 14 and 30 days, and
    the dates due_on, due_from and due_until. Customers who opted out or were erased at the service with this
    --state and --shop are left out, and so is what cannot be bought.

    \b
      cartlift campaign due snapshots/1 --to due.csv
      cartlift campaign due snapshots/1 --within 7 --at-least 0.5 -n 1 --to due.ndjson

    Exit codes: 0 written, 2 the snapshot does not say what is due, or the file cannot be written, 4 the
    snapshot cannot be read.
    """
    check_writable(to)
    known = without_private(load_snapshot(snapshot), read_standings(state, shop))
    frame = due_frame(known, within=int(within), at_least=at_least, n=n)
    write_table(frame, to)
    customers, day = frame["customer_id"].n_unique(), known.manifest.data_until[:10]
    Console(stderr=True).print(
        f"[green]✓[/] {frame.height:,} items for {customers:,} customers, likely bought again within "
        f"{within} days of {day}, written to {to}",
        highlight=False,
    )


@campaign.command()
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--per",
    type=click.Choice(["shop", "item", "customer"]),
    default="shop",
    show_default=True,
    help="The best of the shop, no item in more than two; all there are, up to five of each size for an "
    "item; or those around what each customer has or is due for.",
)
@click.option(
    "-n",
    type=click.IntRange(1),
    default=None,
    help="Bundles of the shop, or of a customer, at most.  [default: all]",
)
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A .csv, .ndjson or .parquet file."
)
@state_option
@shop_option
def bundles(snapshot: Path, per: str, n: int | None, to: Path, state: Path, shop: str) -> None:
    """Write what to offer together: two to four items, with their price and what speaks for them.

    A line a bundle: rank, items, item_1 to item_4, title_1 to title_4, price (the sum), discount_percent,
    offer_price, orders and customers that bought all of it at once, lift over chance with the lower end of
    its interval, and completed: the share of the customers with a part who buy the rest within 28 days. With
    --per customer also customer_id, and owned and due: the items that the customer has or needs again.
    Customers who opted out or were erased at the service with this --state and --shop are left out.

    \b
      cartlift campaign bundles snapshots/1 -n 100 --to bundles.csv
      cartlift campaign bundles snapshots/1 --per customer -n 1 --to offers.ndjson

    Exit codes: 0 written, 2 the snapshot holds no bundles, or the file cannot be written, 4 the snapshot
    cannot be read.
    """
    check_writable(to)
    known = load_snapshot(snapshot)
    if per == "customer":
        known = without_private(known, read_standings(state, shop))
        frame = customer_frame(known, n=n)
    else:
        frame = shop_frame(known, different=2 if per == "shop" else None)
        frame = frame if n is None else frame.head(n)
    write_table(frame, to)
    whom = f" for {frame['customer_id'].n_unique():,} customers" if per == "customer" else ""
    Console(stderr=True).print(
        f"[green]✓[/] {frame.height:,} bundles{whom}, written to {to}", highlight=False
    )
