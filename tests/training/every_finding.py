"""For each finding the smallest shop that shows it, with the count and the example to expect."""

from dataclasses import dataclass

HEADER = "order_id,customer_id,item_id,quantity,unit_price,ordered_at"
PLAIN = "1,ann,tea,1,2.50,2024-01-01"
TWO = PLAIN.replace(",1,", ",2,")
"""Of which one can be sent back: a shop that got everything back is refused."""


@dataclass(frozen=True)
class Case:
    """One shop.

    Attributes:
        orders: CSV files by name; `a.csv` is read before `b.csv`.
        count: of the finding.
        example: file, row and value of the first example.
        kept: order lines that are not put aside.
        settings: of the shop, as TOML.
        items: item file, if any.
    """

    orders: dict[str, str]
    count: int
    example: tuple[str, int, str]
    kept: int
    settings: str = ""
    items: str | None = None


SMALL_SHOP = {"few_orders", "few_customers", "few_items", "ordered_once", "short_history", "no_time_of_day"}
"""What is odd about every shop of a few lines, and has nothing to do with what a test is about."""


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def case(*rows: str, header: str = HEADER, **expected: object) -> Case:
    return Case({"a.csv": csv(*rows, header=header)}, **expected)  # type: ignore[arg-type]


CASES: dict[str, Case] = {
    "unreadable_row": case(
        PLAIN, "1,ann,tea,two,2.50,2024-01-01", "1,ann,,1,2.50,2024-01-01", "1,ann,tea", kept=1,
        count=3, example=("a.csv", 2, "quantity two"),
    ),
    "absurd_date": case(
        PLAIN, "2,ann,tea,1,2.50,1900-01-01", kept=1, count=1, example=("a.csv", 2, "1900-01-01 00:00:00"),
    ),
    "future_date": case(
        PLAIN, "2,ann,tea,1,2.50,2030-01-01", kept=1, count=1, example=("a.csv", 2, "2030-01-01 00:00:00"),
    ),
    "repeated_line": Case(
        {
            "a.csv": csv(PLAIN, PLAIN, "2,bob,tea,1,2.50,2024-01-02"),
            "b.csv": csv(PLAIN, PLAIN, PLAIN, "3,bob,tea,1,2.50,2024-01-03"),
        },
        # Three copies beside two are one line more.
        kept=5, count=2, example=("b.csv", 1, "order 1: 1 × tea"),
    ),
    "not_completed": case(
        PLAIN + ",paid,", "2,ann,tea,1,2.50,2024-01-01,Refunded,",
        "3,ann,tea,1,2.50,2024-01-01,paid,2024-01-02",
        header=HEADER + ",status,cancelled_at", settings="[cleaning]\ndrop_statuses = 'refunded'",
        kept=1, count=2, example=("a.csv", 2, "Refunded"),
    ),
    "non_product": case(
        PLAIN, "1,ann,POST,1,4.00,2024-01-01", settings="[cleaning]\nnon_product = ['^POST$', '^gift_']",
        kept=1, count=1, example=("a.csv", 2, "POST"),
    ),
    "dropped_category": case(
        PLAIN + ",hot", "1,ann,gas,1,4.00,2024-01-01,FUEL", header=HEADER + ",category",
        settings="[cleaning]\ndrop_categories = ['FUEL']", kept=1, count=1, example=("a.csv", 2, "FUEL"),
    ),
    "zero_quantity": case(
        PLAIN, "1,ann,milk,0,4.00,2024-01-01", kept=1, count=1, example=("a.csv", 2, "order 1: 0 × milk"),
    ),
    "stray_negative": case(
        TWO, "C1,ann,tea,-1,2.50,2024-01-02", "2,ann,tea,-3,2.50,2024-01-02",
        settings="[cleaning]\ncancelled_order = '^C'",
        kept=2, count=1, example=("a.csv", 3, "order 2: -3 × tea"),
    ),
    "positive_cancellation": case(
        PLAIN, "C1,ann,tea,1,2.50,2024-01-02", settings="[cleaning]\ncancelled_order = '^C'",
        kept=1, count=1, example=("a.csv", 2, "order C1: 1 × tea"),
    ),
    "negative_price": case(
        PLAIN, "2,ann,debt,1,-50,2024-01-01", kept=1, count=1, example=("a.csv", 2, "-50.0"),
    ),
    "zero_price": case(
        PLAIN, "2,ann,gift,1,0,2024-01-01", kept=2, count=1, example=("a.csv", 2, "order 2: 1 × gift"),
    ),
    "missing_price": case(
        PLAIN, "2,ann,milk,1,,2024-01-01", kept=2, count=1, example=("a.csv", 2, "order 2: 1 × milk"),
    ),
    "missing_customer": case(
        PLAIN, "2,,milk,1,1,2024-01-01", "3,walk-in,milk,1,1,2024-01-01",
        settings="[cleaning]\nguest_customers = 'walk-in'",
        kept=3, count=2, example=("a.csv", 2, "order 2: 1 × milk"),
    ),
    "cancellation": case(
        TWO, "C1,ann,tea,-1,2.50,2024-01-02", settings="[cleaning]\ncancelled_order = '^C'",
        kept=2, count=1, example=("a.csv", 2, "C1"),
    ),
    "negative_quantity": case(
        TWO, "2,ann,tea,-1,2.50,2024-01-02", kept=2, count=1, example=("a.csv", 2, "order 2: -1 × tea"),
    ),
    "unmatched_return": case(
        TWO, "2,ann,tea,-1,2.50,2024-01-02", "3,ann,milk,-2,2.50,2024-01-02",
        kept=3, count=1, example=("a.csv", 3, "order 3: -2 × milk"),
    ),
    "duplicate_line": case(
        PLAIN, PLAIN, "1,ann,tea,1,2.51,2024-01-01",
        kept=3, count=1, example=("a.csv", 2, "order 1: 1 × tea"),
    ),
    "quantity_outlier": case(
        *(f"{n},ann,tea,2,2.50,2024-01-01" for n in range(5)), "9,ann,tea,2001,2.50,2024-01-01",
        kept=6, count=1, example=("a.csv", 6, "order 9: 2001 × tea"),  # the usual quantity is 2
    ),
    "several_currencies": case(
        PLAIN + ",EUR", PLAIN + ",EUR", "2,ann,tea,1,3,2024-01-01,USD", "3,ann,tea,1,3,2024-01-01,",
        header=HEADER + ",currency", kept=4, count=1, example=("a.csv", 3, "USD"),
    ),
    "several_customers": case(
        PLAIN, "1,bob,milk,1,1,2024-01-01", "1,,jam,1,1,2024-01-01", "2,bob,milk,1,1,2024-01-01",
        kept=4, count=1, example=("a.csv", 1, "1: ann / bob"),
    ),
    "bulk_buyer": case(
        *(f"{n},bob,tea,1,2.50,2024-01-01" for n in range(100)), "a,ann,tea,1,1,2024-01-01",
        "c,cat,tea,1,1,2024-01-01",
        kept=102, count=1, example=("a.csv", 1, "bob: 100 orders"),  # the median customer has one
    ),
    "customer_id_case": case(
        PLAIN, "2,Ann,tea,1,2.50,2024-01-02", "3,ANN,tea,1,2.50,2024-01-02", "4,bob,tea,1,1,2024-01-02",
        kept=4, count=1, example=("a.csv", 1, "ann / Ann / ANN"),
    ),
    "customer_id_blanks": case(
        PLAIN, "2, ann,tea,1,2.50,2024-01-02", kept=2, count=1, example=("a.csv", 2, "' ann'"),
    ),
    "item_id_case": case(
        PLAIN, "2,ann,TEA,1,2.50,2024-01-01", kept=2, count=1, example=("a.csv", 1, "tea / TEA"),
    ),
    "item_id_blanks": case(
        PLAIN, "2,ann,tea ,1,2.50,2024-01-01", kept=2, count=1, example=("a.csv", 2, "'tea '"),
    ),
    "several_titles": case(
        PLAIN + ",Tea", "2,ann,tea,1,2.50,2024-01-01,Damaged", "3,ann,jam,1,2.50,2024-01-01,Jam",
        header=HEADER + ",title", kept=3, count=1, example=("a.csv", 1, "tea: Tea / Damaged"),
    ),
    "not_sold_lately": case(
        PLAIN, "2,ann,jam,1,2.50,2024-06-30",
        kept=2, count=1, example=("a.csv", 1, "tea: last sold 2024-01-01"),
    ),
    "item_without_id": case(
        PLAIN,
        items="item_id,title\ntea,Tea\n,Ghost\n", kept=1, count=1, example=("items.csv", 2, "no item_id"),
    ),
    "misshapen_item": case(
        PLAIN, items="item_id,title\ntea,Tea\njam,Jam, plum\n",
        kept=1, count=1, example=("items.csv", 2, "3 values, not as many as the header"),
    ),
    "repeated_item": case(
        PLAIN,
        items="item_id,title\ntea,Tea\ntea,Green tea\n", kept=1, count=1, example=("items.csv", 2, "tea"),
    ),
    "unreadable_item": case(
        PLAIN,
        items="item_id,price,available,released_at\ntea,cheap,yes,2024-01-01\njam,1,maybe,\nham,1,no,soon\n",
        kept=1, count=3, example=("items.csv", 1, "price cheap"),
    ),
    "unknown_item": case(
        PLAIN, "1,ann,jam,1,1,2024-01-01", items="item_id,title\ntea,Tea\n",
        kept=2, count=1, example=("a.csv", 2, "jam"),
    ),
    "never_sold": case(
        PLAIN,
        items="item_id,title\ntea,Tea\ncoal,Coal\n", kept=1, count=1, example=("items.csv", 2, "coal"),
    ),
    "untitled_item": case(
        PLAIN, items="item_id,title\ntea,\n", kept=1, count=1, example=("items.csv", 1, "tea"),
    ),
    "few_orders": case(PLAIN, kept=1, count=1, example=("a.csv", 1, "order 1")),
    "few_customers": case(
        PLAIN, "2,bob,tea,1,2.50,2024-01-02", kept=2, count=2, example=("a.csv", 1, "ann"),
    ),
    "few_items": case(PLAIN, "1,ann,jam,1,2.50,2024-01-01", kept=2, count=2, example=("a.csv", 2, "jam")),
    "ordered_once": case(PLAIN, "1,ann,jam,1,2.50,2024-01-01", kept=2, count=1, example=("a.csv", 2, "ann")),
    "short_history": case(
        PLAIN, "2,ann,tea,1,2.50,2024-03-24", kept=2, count=2, example=("a.csv", 1, "2024-01-01"),
    ),
    "no_time_of_day": case(
        *(f"{n:02},ann,tea,1,2.50,2024-01-{n:02}" for n in range(1, 21)),
        kept=20, count=20, example=("a.csv", 1, "2024-01-01"),
    ),
    "long_silence": case(
        PLAIN, "2,ann,tea,1,2.50,2024-01-03", "3,ann,tea,1,2.50,2024-01-05", "4,ann,tea,1,2.50,2024-04-05",
        kept=4, count=91, example=("a.csv", 4, "no order before 2024-04-05"),
    ),
}  # fmt: skip
"""By code; `guessed_encoding` and `missing_column` have tests of their own."""
