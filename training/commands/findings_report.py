"""What was read, and what was odd about it, for people and for programs."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recommender.data.findings import Finding, Findings
from recommender.data.orders import GUEST

from ..report import counted
from ..sources import ReadOrders

LONGEST_EXAMPLE = 48


def report(read: ReadOrders) -> dict[str, Any]:
    """Figures and findings as plain values, for JSON."""
    orders = read.orders
    bought = orders.quantity > 0
    return {
        "lines": read.lines,
        "put_aside": read.quarantined,
        "purchases": int(bought.sum()),
        "returns": int((~bought).sum()),
        "orders": int(np.count_nonzero(np.bincount(orders.order[bought]))),
        "customers": int(np.count_nonzero(np.bincount(orders.customer[orders.customer != GUEST]))),
        "items": len(orders.items),
        "first_order": _time(orders.first_time),
        "last_order": _time(orders.last_time),
        "findings": read.findings.to_json(),
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def print_findings(console: Console, findings: Findings, figures: dict[str, Any]) -> None:
    """Findings as a table, and what is left below it; `figures` as `report` gives them."""
    if len(findings):
        console.print(findings_table(findings))
    console.print(_summary(figures), highlight=False)


def _summary(figures: dict[str, Any]) -> str:
    lines, purchases, returns, orders, customers, items = (
        counted(figures[name.split()[-1]], name)
        for name in ("order lines", "purchases", "returns", "orders", "known customers", "items")
    )
    return (
        f"{lines} read, {figures['put_aside']:,} put aside. {purchases}, {returns}, {orders}, {customers}, "
        f"{items}, {figures['first_order']} to {figures['last_order']}."
    )


def findings_table(findings: Findings) -> Table:
    """One row a finding: what, how many, of how many, what was done, one example."""
    table = Table(title="Findings", title_justify="left", box=box.HORIZONTALS, pad_edge=False)
    table.add_column("What")
    table.add_column("Count", justify="right", no_wrap=True)
    table.add_column("Share", justify="right", no_wrap=True)
    table.add_column("What was done")
    table.add_column("Example", overflow="fold")
    for finding in findings:
        # Text, not markup: a shop's own words may hold square brackets.
        table.add_row(_what(finding), _count(finding), _share(finding), finding.action, _example(finding))
    return table


def _what(finding: Finding) -> Text:
    return Text.assemble((finding.code, "bold"), "\n", finding.what)


def _count(finding: Finding) -> str:
    return counted(finding.count, finding.unit)


def _share(finding: Finding) -> str:
    return f"{finding.share:.1%}" if finding.share >= 0.001 else "<0.1%"


def _example(finding: Finding) -> Text:
    if not finding.examples:
        return Text()
    first = finding.examples[0]
    shown = first.value if len(first.value) <= LONGEST_EXAMPLE else first.value[: LONGEST_EXAMPLE - 1] + "…"
    return Text.assemble(shown, "\n", (f"{first.file}, row {first.row:,}", "dim"))
