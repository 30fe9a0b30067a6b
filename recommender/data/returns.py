"""Purchases with what was sent back taken off."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.orders import GUEST, OrderLog

_NOTHING_LEFT = 1e-6
"""Share of a line's quantity below which a rest is rounding: 0.1 + 0.2 returned leaves nothing of 0.3."""


@dataclass(frozen=True, slots=True)
class Netted:
    """What customers kept.

    Attributes:
        orders: purchases only, with the units that stayed; every quantity is positive.
        matched: return lines that undid at least a part of a purchase.
        unmatched: return lines that found no purchase to undo; guests' returns are among them.
    """

    orders: OrderLog
    matched: int
    unmatched: int


def net_of_returns(orders: OrderLog) -> Netted:
    """Take returned units off the purchases they undo.

    A return undoes the newest purchases of the same customer and item that were not later than itself, unit
    by unit; what finds nothing to undo is ignored, and so is every guest's return, for nobody knows whose it
    is. Only what the log holds is used: `net_of_returns(orders.until(cut))` knows no return after the cut.
    """
    returns = orders.quantity < 0
    if not returns.any():
        return Netted(orders.purchases(), matched=0, unmatched=0)
    left = units_left(orders)
    undid = left[returns] > orders.quantity[returns]
    kept = left > 0
    purchases = replace(orders.lines(kept), quantity=left[kept].astype(np.float32))
    return Netted(purchases, matched=int(undid.sum()), unmatched=int((~undid).sum()))


def units_left(orders: OrderLog) -> NDArray[np.float64]:
    """Units of each line that no other line undid, shape (n_lines,).

    Zero or more for purchases; zero or less for returns, where it is what found no purchase.
    """
    left = orders.quantity.astype(np.float64)
    if not np.any(left < 0):
        return left
    line, group = _lines_with_returns(orders)
    units = left[line]
    left[line] = _undo(units, group)
    return left


def _lines_with_returns(orders: OrderLog) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Lines of customers and items of which something was returned, oldest first in each group.

    Returns:
        Positions in the log, and the group of each: its customer and item as one number.
    """
    sent_back = (orders.quantity < 0) & (orders.customer != GUEST)
    returning, returned = np.zeros(len(orders.customers), bool), np.zeros(len(orders.items), bool)
    returning[orders.customer[sent_back]] = True
    returned[orders.item[sent_back]] = True
    # Customers and items go before their pairs: of millions of lines few are left to compare.
    known = np.flatnonzero(orders.customer != GUEST)
    line = known[returning[orders.customer[known]] & returned[orders.item[known]]]
    pair = orders.customer[line].astype(np.int64) * len(orders.items) + orders.item[line]
    alike = np.isin(pair, pair[sent_back[line]])
    line, pair = line[alike], pair[alike]
    # Within one second a purchase goes before its return. Ids have no say: renaming them changes nothing.
    at, quantity, price = orders.ordered_at[line], orders.quantity[line], orders.unit_price[line]
    oldest_first = np.lexsort((price, quantity, quantity < 0, at, pair))
    return line[oldest_first], pair[oldest_first]


def _undo(units: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Units left of each line after last-in-first-out matching within groups, shape (n,).

    A purchase directly followed by a return is matched like a pair of brackets; what is used up goes, and
    its neighbours meet. All such pairs of all groups are settled at once, so the rounds are few: as many as
    the deepest nesting, not as many as lines.
    """
    left = units.copy()
    bought = np.abs(units)
    alive = np.arange(len(units))
    while True:
        here = np.flatnonzero(_purchase_then_return(left[alive], group[alive]))
        if not len(here):
            return left
        purchase, sent_back = alive[here], alive[here + 1]
        undone = np.minimum(left[purchase], -left[sent_back])
        for line, remaining in ((purchase, left[purchase] - undone), (sent_back, left[sent_back] + undone)):
            left[line] = np.where(np.abs(remaining) <= _NOTHING_LEFT * bought[line], 0.0, remaining)
        # Only groups that just matched something can match again.
        again = np.isin(group[alive], group[purchase])
        alive = alive[again & (left[alive] != 0)]


def _purchase_then_return(units: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the next line of the same group returns what this one bought, shape (n - 1,)."""
    matches: NDArray[np.bool_] = (units[:-1] > 0) & (units[1:] < 0) & (group[:-1] == group[1:])
    return matches
