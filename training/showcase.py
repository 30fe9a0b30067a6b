"""Lists that a person can judge by eye: what a few customers bought, what they are shown, and why."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recommender.data.orders import OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.ranking.reasons import KINDS, Reasons
from recommender.snapshot.directory import Snapshot

_SHOWN = 5
_SEARCHED = 50
_WELL_SOLD = 500


@dataclass(frozen=True, slots=True)
class Showcase:
    """A snapshot beside the orders that it was learned from.

    Attributes:
        snapshot: the lists.
        purchases: net purchases, in the snapshot's item vocabulary.
    """

    snapshot: Snapshot
    purchases: OrderLog

    def customers(self, n: int = 3) -> list[int]:
        """Positions of an occasional, a usual and a busy customer, by number of orders."""
        pairs = np.unique(np.stack((self.purchases.customer, self.purchases.order)), axis=1)
        orders = np.bincount(pairs[0][pairs[0] >= 0], minlength=len(self.snapshot.customers))
        by_orders = np.argsort(orders, kind="stable")
        by_orders = by_orders[orders[by_orders] > 0]
        places = np.linspace(0.25, 0.95, n) * (len(by_orders) - 1)
        return [int(by_orders[int(place)]) for place in places]

    def items(self, n: int = 3) -> list[int]:
        """Positions of items that sell well and go clearly with another kind of item."""
        sold = self.snapshot.models["best_sellers"].sold
        well_sold = np.argsort(-sold, kind="stable")[:_WELL_SOLD].tolist()
        bonds = {item: self._bond(item) for item in well_sold}
        chosen: dict[str, int] = {}
        for item in sorted(well_sold, key=lambda item: -bonds[item]):
            if bonds[item] > 0:
                chosen.setdefault(self._category(item), item)
        return list(chosen.values())[:n]

    def _bond(self, item: int) -> float:
        """How strongly the item is tied to what it is most bought with, if that is of another kind."""
        together, catalog = self.snapshot.lists.bought_together.row(item), self.snapshot.catalog
        if len(together) == 0 or not catalog.title[together.items[0]]:
            return 0.0
        same_kind = self._category(int(together.items[0])) == self._category(item)
        return 0.0 if same_kind else float(together.scores[0])

    def _category(self, item: int) -> str:
        return self.snapshot.catalog.category[item] or self.snapshot.catalog.items.ids[item]

    def print_customers(self, console: Console) -> None:
        """What each of a few customers bought lately and is recommended, with the reason."""
        for customer in self.customers():
            self._print_customer(console, customer)

    def print_items(self, console: Console) -> None:
        """What is bought together with a few items."""
        for item in self.items():
            together = self.snapshot.lists.bought_together.row(item).items.tolist()
            # Brands and sizes of one thing often share a title: one of each is enough to judge by eye.
            names = list(dict.fromkeys(map(self._name, together)))[:_SHOWN]
            console.print(f"[bold]In the same basket as {self._name(item)}[/]", highlight=False)
            console.print(f"  {', '.join(names)}\n", highlight=False)

    def _print_customer(self, console: Console, customer: int) -> None:
        mine = np.flatnonzero(self.purchases.customer == customer)
        n_orders, name = len(np.unique(self.purchases.order[mine])), self.snapshot.customers.ids[customer]
        console.print(f"[bold]Customer {escape(name)}, {n_orders} orders[/]", highlight=False)
        console.print(f"  bought lately: {', '.join(self._bought_lately(mine))}", highlight=False)
        table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
        for heading in ("  recommended", "", "why"):
            table.add_column(heading, no_wrap=True)
        ranked = self.snapshot.lists.recommended.row(customer)
        everything = np.arange(len(ranked))
        shown: set[str] = set()
        for places, n in ((everything, _SHOWN), (everything[~ranked.bought], _SHOWN - 2)):
            table.add_section()
            self._add_places(table, customer, places, n, shown)
        console.print(table, "")

    def _add_places(
        self, table: Table, customer: int, places: NDArray[np.intp], n: int, shown: set[str]
    ) -> None:
        """The `n` best of these places of the customer's list whose names were not shown yet."""
        lists = self.snapshot.lists
        row = slice(*lists.recommended.starts[customer : customer + 2].tolist())
        items, reasons = lists.recommended.items[row], lists.reasons.part(row)
        for place in places.tolist():
            name = self._name(int(items[place]))
            if n and name not in shown:
                shown.add(name)
                n -= 1
                category = escape(self.snapshot.catalog.category[items[place]] or "")
                table.add_row(f"  {name}", f"[dim]{category}[/]", self._reason(reasons, place))

    def _bought_lately(self, mine: NDArray[np.intp]) -> list[str]:
        latest = dict.fromkeys(self.purchases.item[mine[::-1]].tolist())
        return [self._name(item) for item in list(latest)[:_SHOWN]]

    def _reason(self, reasons: Reasons, place: int) -> str:
        value = int(reasons.values[place])
        match KINDS[reasons.kinds[place]]:
            case "bought_again":
                return "bought every day" if value == 1 else f"bought every {value} days"
            case "bought_before":
                return "bought once" if value == 1 else f"bought {value} times"
            case "because_you_bought":
                return f"new: because of {self._name(value)}"
            case "popular_in_category":
                return "new: popular in its category"
            case "popular":
                return "new: popular now"
            case _:
                return "new"

    def _name(self, item: int) -> str:
        catalog = self.snapshot.catalog
        size = catalog.attributes.get("package_size", (None,) * len(catalog.items))[item]
        return escape(catalog.name(item)) + (f" [dim]{escape(size)}[/]" if size else "")


def in_vocabulary(orders: OrderLog, items: Vocabulary) -> OrderLog:
    """Order lines of the items of a (smaller) vocabulary, in its positions."""
    return orders.keep_items(np.array([id_ in items for id_ in orders.items.ids], bool))
