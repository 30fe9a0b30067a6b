"""Oddities of a shop's data: reported with count, examples and what was done, never raised."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Oddity:
    """One kind of finding.

    Attributes:
        code: its name in reports, settings and the quarantine file.
        unit: what is counted: lines, orders, customers, items, rows (of the item file), days, files
            or columns.
        what: the oddity in a shop's words.
        action: what is done with it, unless a setting says otherwise.
    """

    code: str
    unit: str
    what: str
    action: str


ODDITIES: tuple[Oddity, ...] = (
    # Lines that are put aside, in order of precedence: a line with several reasons carries the first.
    Oddity("unreadable_row", "lines", "a needed value is missing or cannot be read", "put aside"),
    Oddity("absurd_date", "lines", "ordered before 1990", "put aside"),
    Oddity("future_date", "lines", "ordered later than now", "put aside"),
    Oddity("repeated_line", "lines", "the same line stands in an earlier file", "put aside"),
    Oddity("not_completed", "lines", "the order was cancelled, refunded or never paid", "put aside"),
    Oddity("non_product", "lines", "not something sold: postage, fees, vouchers, tests", "put aside"),
    Oddity("dropped_category", "lines", "the settings leave the item's category out", "put aside"),
    Oddity("zero_quantity", "lines", "nothing was sold", "put aside"),
    Oddity("stray_negative", "lines", "quantity below zero, but no cancellation", "put aside"),
    Oddity("positive_cancellation", "lines", "cancelled, but the quantity is above zero", "put aside"),
    Oddity("negative_price", "lines", "the price is below zero", "put aside"),
    Oddity("zero_price", "lines", "the price is zero", "kept"),
    # Lines that are kept.
    Oddity("missing_price", "lines", "no price is given", "kept, price unknown"),
    Oddity("missing_customer", "lines", "no customer is named", "kept for baskets, not for personal models"),
    Oddity("cancellation", "lines", "the order is a cancellation", "kept as returns"),
    Oddity("negative_quantity", "lines", "the quantity is below zero", "kept as returns"),
    Oddity("unmatched_return", "lines", "a return with no earlier purchase to undo", "kept, undoes nothing"),
    Oddity(
        "duplicate_line",
        "lines",
        "an equal line stands before it in the file",
        "kept: orders count, not lines",
    ),
    Oddity("quantity_outlier", "lines", "more than 1,000 times the usual quantity of the item", "kept"),
    Oddity("several_currencies", "lines", "not in the currency of most lines", "kept, price not converted"),
    # Beyond single lines.
    Oddity(
        "private_customer",
        "lines",
        "the customer opted out or was erased",
        "left out of everything; not in the quarantine file either",
    ),
    Oddity("several_customers", "orders", "one order names several customers", "kept, each line for its own"),
    Oddity("bulk_buyer", "customers", "far more orders than other customers", "kept"),
    Oddity(
        "customer_id_case",
        "customers",
        "customer ids that differ only in letter case",
        "kept as different customers",
    ),
    Oddity("customer_id_blanks", "customers", "customer ids with blanks around them", "kept as they are"),
    Oddity("item_id_case", "items", "item ids that differ only in letter case", "kept as different items"),
    Oddity("item_id_blanks", "items", "item ids with blanks around them", "kept as they are"),
    Oddity("several_titles", "items", "the item has several titles", "the most frequent one is shown"),
    Oddity(
        "not_sold_lately",
        "items",
        "not sold for longer than retired_after_days allows",
        "kept in the history, not recommended",
    ),
    # The shop as a whole.
    Oddity("few_orders", "orders", "too few orders to tell habit from chance", "kept"),
    Oddity("few_customers", "customers", "too few customers to compare tastes", "kept"),
    Oddity("few_items", "items", "hardly anything to choose from", "kept, lists are as short"),
    Oddity("ordered_once", "customers", "nobody has ordered twice", "kept; lists are not judged"),
    Oddity(
        "short_history", "orders", "too short a time to predict a part of it", "kept; lists are not judged"
    ),
    Oddity(
        "no_time_of_day",
        "orders",
        "only the day of an order is known",
        "kept; of one day's orders their ids decide which came first",
    ),
    Oddity("long_silence", "days", "no order for far longer than usual", "kept; what is older has faded"),
    # Files.
    Oddity("item_without_id", "rows", "a row of the item file names no item", "ignored"),
    Oddity("misshapen_item", "rows", "a row has more or fewer values than the header", "ignored"),
    Oddity("repeated_item", "rows", "the item file lists the item more than once", "the first row counts"),
    Oddity("unreadable_item", "rows", "price, date or availability cannot be read", "taken as unknown"),
    Oddity("unknown_item", "items", "sold, but not in the item file", "kept with what the orders say"),
    Oddity("never_sold", "items", "in the item file, but never sold", "left out, unless it is new"),
    Oddity("untitled_item", "rows", "the item file gives no title", "called as orders call it, or by its id"),
    Oddity("guessed_encoding", "files", "not UTF-8, and nobody says what else", "read as Windows-1252"),
    # The only one that stops: raised as a DataError that names the columns seen.
    Oddity("missing_column", "columns", "a needed column is not there", "stops"),
)

_ORDER = {oddity.code: place for place, oddity in enumerate(ODDITIES)}


@dataclass(frozen=True, slots=True)
class Example:
    """Where an oddity stands.

    Attributes:
        file: file or query that was read.
        row: 1-based data row, the header not counted.
        value: the offending value as text.
    """

    file: str
    row: int
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity of the data that was read.

    Attributes:
        code: one of `ODDITIES`.
        count: how many show it, each counted on its own whatever else is odd about it.
        share: `count` as a share of all there are of its unit.
        what: the oddity in a shop's words.
        action: what was done.
        examples: at most three.
    """

    code: str
    count: int
    share: float
    what: str
    action: str
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in _ORDER:
            raise ValueError(f"{self.code!r} is no known finding")
        if len(self.examples) > MOST_EXAMPLES:
            raise ValueError(f"a finding shows at most {MOST_EXAMPLES} examples, got {len(self.examples)}")

    @property
    def unit(self) -> str:
        """What is counted, e.g. lines."""
        return ODDITIES[_ORDER[self.code]].unit

    @classmethod
    def of(
        cls, code: str, count: int, total: int, examples: Sequence[Example] = (), *, action: str | None = None
    ) -> "Finding":
        """A finding in the words of its oddity; `total` is how many there are of its unit."""
        if code not in _ORDER:
            raise ValueError(f"{code!r} is no known finding")
        oddity = ODDITIES[_ORDER[code]]
        share = count / total if total else 0.0
        return cls(code, count, share, oddity.what, action or oddity.action, tuple(examples[:MOST_EXAMPLES]))


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings of one reading, in the order of `ODDITIES`; only what really occurred."""

    found: tuple[Finding, ...] = ()

    @classmethod
    def collect(cls, findings: Iterable[Finding]) -> "Findings":
        """Sort findings and leave out those that count nothing."""
        return cls(tuple(sorted((f for f in findings if f.count), key=lambda f: _ORDER[f.code])))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __add__(self, other: "Findings") -> "Findings":
        return Findings.collect((*self.found, *other.found))

    def get(self, code: str) -> Finding | None:
        """The finding of this code, None where the data does not show it."""
        return next((finding for finding in self.found if finding.code == code), None)

    def count(self, code: str) -> int:
        """How many show this oddity; 0 for none."""
        finding = self.get(code)
        return finding.count if finding else 0

    def to_json(self) -> list[dict[str, object]]:
        """Plain values for a JSON report."""
        return [
            {
                "code": finding.code,
                "count": finding.count,
                "unit": finding.unit,
                "share": round(finding.share, 6),
                "what": finding.what,
                "action": finding.action,
                "examples": [{"file": e.file, "row": e.row, "value": e.value} for e in finding.examples],
            }
            for finding in self.found
        ]
