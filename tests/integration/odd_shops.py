"""Small shops that are odd in one way each, and what has to be said of them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

Row = tuple[str, str, str, int, str, str]
"""order, customer (empty for a guest), item, quantity, unit price, when"""

HEADER = ("order_id", "customer_id", "item_id", "quantity", "unit_price", "ordered_at")
FIRST_DAY = datetime(2025, 1, 1)
N_ITEMS = 20


@dataclass(frozen=True)
class OddShop:
    """One shop.

    Attributes:
        rows: its order lines.
        findings: codes that have to be found, whatever else is.
        said: what `cartlift train`, or the command that refuses the shop, has to say on the terminal.
        refused_by: the first command that refuses the shop.
        items: item file, its header first.
        judged: whether its lists can be judged.
        empty: lists that are empty all through.
    """

    rows: list[Row]
    findings: set[str] = field(default_factory=set)
    said: tuple[str, ...] = ()
    refused_by: str = ""
    items: list[tuple[str, ...]] | None = None
    judged: bool = True
    empty: set[str] = field(default_factory=set)

    def write(self, folder: Path) -> list[object]:
        """Its files, as arguments of a command."""
        _write(folder / "orders.csv", [HEADER, *self.rows])
        if self.items is None:
            return [folder / "orders.csv"]
        _write(folder / "items.csv", self.items)
        return [folder / "orders.csv", "--items", folder / "items.csv"]


def _write(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def on(day: float) -> str:
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def bought(
    *,
    orders: int = 150,
    customers: int = 30,
    days: int = 150,
    seed: int = 0,
    name: str = "",
    price: str = "2.5",
) -> list[Row]:
    """Orders of one to three items by nobody in particular; without customers they are guests'."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for number in range(orders):
        whose = f"customer {rng.integers(customers)}" if customers else ""
        when = on(rng.integers(days * 24) / 24)
        items = sorted(set(rng.integers(N_ITEMS, size=3)))
        rows.extend((f"{name}{number}", whose, item_id(item), 1, price, when) for item in items)
    return rows


def item_id(number: int) -> str:
    return f"item {number:02}"


def _dates_only() -> list[Row]:
    return [(*row[:5], row[5][:10]) for row in bought()]


def _everybody_once() -> list[Row]:
    return [
        (str(n), f"customer {n}", item_id(n * k % 17), 1, "1", on(n / 2))
        for n in range(200)
        for k in (1, 2, 3)
    ]


def _twins() -> list[Row]:
    """Two customers who always order the same on the same day."""
    ann = bought(customers=1)
    return [(f"{row[0]} {name}", name, *row[2:]) for row in ann for name in ("ann", "bob")]


def _sent_back(rows: list[Row]) -> list[Row]:
    """Purchases, each of which is sent back at once."""
    return rows + [(f"{row[0]} back", *row[1:3], -row[3], *row[4:]) for row in rows]


def _a_year_of_nothing() -> list[Row]:
    later = [(f"later {row[0]}", *row[1:5], _moved(row[5], 425)) for row in bought(days=60, seed=1)]
    return bought(days=60) + later


def _moved(when: str, days: int) -> str:
    return (datetime.fromisoformat(when) + timedelta(days=days)).isoformat()


def _whale_alone() -> list[Row]:
    rng = np.random.default_rng(0)
    return [(str(n), "whale", item_id(int(rng.integers(N_ITEMS))), 1, "1", on(n / 5)) for n in range(1_000)]


def _whale_among_others() -> list[Row]:
    return [(f"whale {row[0]}", *row[1:]) for row in _whale_alone()] + bought(days=250)


ODD_IDS = (
    "a,b", "ü ß", "<script>", "{c}", "x:y", "'q\"", "日本", "[red]x[/red]", "A", "a", "-1", "NaN", "%s", "..",
    "/etc", "0", "00", "1e5", "\u200b", "🙂",
)  # fmt: skip


def _odd_ids() -> list[Row]:
    def odd(text: str) -> str:
        return ODD_IDS[int(text.split()[1])]

    return [(row[0], odd(row[1]), odd(row[2]), *row[3:]) for row in bought(customers=len(ODD_IDS))]


def _newcomer_at_the_end() -> list[Row]:
    return [*bought(days=100), ("last", "newcomer", item_id(1), 1, "1", on(128))]


def _other_items_lately() -> list[Row]:
    """From the hundredth day on nothing is sold that was sold before."""
    return [row if row[5] < on(100) else (*row[:2], f"new {row[2]}", *row[3:]) for row in bought(orders=300)]


def _first_months_sent_back() -> list[Row]:
    return _sent_back(bought(days=80, name="early ")) + [
        (row[0], *row[1:5], _moved(row[5], 80)) for row in bought(days=70, seed=1)
    ]


def _listed(*columns: str, said: Iterable[tuple[object, ...]]) -> list[tuple[str, ...]]:
    rows = ((item_id(number), *map(str, words)) for number, words in enumerate(said))
    return [("item_id", *columns), *rows]


def _sold(**of_shop: object) -> OddShop:
    """A plain shop with an odd item file."""
    return OddShop(rows=bought(), **of_shop)  # type: ignore[arg-type]


_NUMBERS = range(N_ITEMS)
_BLEND = "ranked by the blend of the models"
_TOO_SHORT = "it takes, 3 times [evaluation] days"

SHOPS: dict[str, OddShop] = {
    "fifty orders": OddShop(bought(orders=50), {"few_orders"}, (_BLEND, "unsure")),
    "one customer": OddShop(
        # Lists for everybody would tell of that customer's orders.
        bought(customers=1), {"few_customers"},
        (f"{_BLEND}: only 3 examples of a customer who bought again in 3 earlier windows", "1 few"),
        empty={"similar", "bought_together"},
    ),
    "two customers alike": OddShop(_twins(), {"few_customers"}, (_BLEND, "unsure")),
    "one item": OddShop(
        [(str(n), f"customer {n % 20}", "tea", 1, "1", on(n)) for n in range(200)],
        {"few_items"}, (_BLEND,), empty={"similar", "bought_together"},
    ),
    "one line": OddShop(
        [("1", "ann", "tea", 1, "1", on(0))],
        {"few_orders", "few_customers", "few_items", "ordered_once", "short_history"},
        (f"{_BLEND}: nobody bought again", "Not judged: the history spans 0 of the 84 days", _TOO_SHORT),
        judged=False, empty={"similar", "bought_together"},
    ),
    "everybody ordered once": OddShop(
        _everybody_once(), {"ordered_once"},
        (f"{_BLEND}: nobody bought again", "Not judged: nobody who had ordered before"), judged=False,
    ),
    "dates without time": OddShop(_dates_only(), {"no_time_of_day"}),
    "guests only": OddShop(
        bought(customers=0), {"missing_customer"},
        (f"{_BLEND}: nobody bought again", "Not judged: no order names its customer"),
        judged=False, empty={"recommended", "similar"},
    ),
    "everything sent back": OddShop(
        _sent_back(bought(orders=40)), set(), ("no purchase is left of", "lines: all was sent back"),
        refused_by="validate",
    ),
    "first months sent back": OddShop(_first_months_sent_back(), {"negative_quantity"}),
    "one order of 300 lines": OddShop(
        [("1", "ann", f"item {n:03}", 1, "1", on(0)) for n in range(300)],
        {"few_orders", "few_customers", "ordered_once", "short_history"},
        (f"{_BLEND}: nobody bought again", "Not judged: the history spans 0 of the 84 days"),
        judged=False, empty={"similar", "bought_together"},
    ),
    "all on one day": OddShop(
        bought(days=1), {"short_history"}, ("Not judged: the history spans 0 of the 84 days",), judged=False,
    ),
    "all items retired": OddShop(
        [*bought(days=60), ("last", "customer 1", "novelty", 1, "1", on(400))],
        {"not_sold_lately", "long_silence"},
        ("nothing may be recommended", "[lists] retired_after_days", "[lists] min_item_lines"),
        refused_by="train",
    ),
    "prices unknown": OddShop(bought(price=""), {"missing_price"}),
    "everything for free": OddShop(bought(price="0"), {"zero_price"}),
    "a year of nothing": OddShop(_a_year_of_nothing(), {"long_silence"}),
    "one customer with 1,000 orders": OddShop(
        _whale_alone(), {"few_customers"}, ("unsure",), empty={"similar", "bought_together"},
    ),
    "a bulk buyer among others": OddShop(_whale_among_others(), {"bulk_buyer"}),
    "odd ids": OddShop(_odd_ids(), {"item_id_case", "customer_id_case"}),
    "one newcomer in the last days": OddShop(
        _newcomer_at_the_end(), set(),
        ("Not judged: nobody who had ordered before the last 28 days ordered a known item again",),
        judged=False,
    ),
    "other items lately": OddShop(_other_items_lately()),
    "no titles": _sold(items=_listed("title", said=[("",) for _ in _NUMBERS]), findings={"untitled_item"}),
    "columns that nobody knows": _sold(
        items=_listed("shelf", "supplier", said=[(n, "Smith") for n in _NUMBERS]), findings={"untitled_item"},
    ),
    "titles all the same": _sold(items=_listed("title", said=[("Tea",) for _ in _NUMBERS])),
    "titles of digits": _sold(items=_listed("title", "category", said=[(n, n % 2) for n in _NUMBERS])),
    "titles of 10,000 letters": _sold(
        items=_listed("title", said=[(f"word{n} " * 1_250 + "x" * 2_500,) for n in _NUMBERS])
    ),
    "items never sold": _sold(
        items=[("item_id", "title"), *((f"dust {n}", "Dust") for n in range(300))],
        findings={"never_sold", "unknown_item"},
    ),
    "an item file without items": _sold(items=[("item_id", "title")], findings={"unknown_item"}),
    "nothing available": _sold(
        items=_listed("available", said=[("no",) for _ in _NUMBERS]),
        said=("nothing may be recommended: every item is unavailable",), refused_by="train",
    ),
    "one item available": _sold(
        items=_listed("available", said=[("yes" if n == 0 else "no",) for n in _NUMBERS]),
    ),
}  # fmt: skip
