"""Lists of the snapshot before that still hold: whose, and where they stand now."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.data.fingerprints import Fingerprints
from recommender.data.vocabulary import Vocabulary
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import BECAUSE_YOU_BOUGHT, Reasons
from recommender.snapshot.directory import Lists, Snapshot

from .moment import Purchases

_Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Carried:
    """What is taken over from the snapshot before, and what has to be made.

    Attributes:
        customers: shape (n_customers,), row of each customer in the lists of before; -1 where one has to be
            made.
        items: shape (n_items,), likewise of each item.
        lists: those of before, with items at the positions that they have now; -1 for items that are gone.
            None where there is no snapshot before.
    """

    customers: _Rows
    items: _Rows
    lists: Lists | None = None

    @classmethod
    def nothing(cls, purchases: Purchases) -> "Carried":
        """Everything has to be made."""
        n_customers, n_items = len(purchases.history.customers), len(purchases.history.items)
        return cls(np.full(n_customers, -1, np.int32), np.full(n_items, -1, np.int32))

    @classmethod
    def of(cls, before: Snapshot, then: Fingerprints, purchases: Purchases, now: Fingerprints) -> "Carried":
        """The lists of whoever is known by the same purchases as then, if all that they hold may be shown.

        Args:
            before: the snapshot.
            then: what its lists went by.
            purchases: what there is to make lists of now.
            now: what they would go by.
        """
        items_now = purchases.history.items.positions(before.catalog.items.ids)
        shown = (items_now >= 0) & purchases.eligible[items_now]
        lists = _moved(before.lists, items_now)
        customers = _unchanged(before.customers, then.customers, purchases.history.customers, now.customers)
        items = _unchanged(before.catalog.items, then.items, purchases.history.items, now.items)
        holds_wrong = [
            _rows_with(table, ~shown[table.items])
            for table in (before.lists.recommended, before.lists.similar, before.lists.bought_together)
        ]
        customers[holds_wrong[0][customers] & (customers >= 0)] = -1
        items[(holds_wrong[1] | holds_wrong[2])[items] & (items >= 0)] = -1
        return cls(customers, items, lists)

    @property
    def new_customers(self) -> _Rows:
        """Positions of the customers whose lists have to be made."""
        return np.flatnonzero(self.customers < 0).astype(np.int32)

    @property
    def new_items(self) -> _Rows:
        """Positions of the items whose lists have to be made."""
        return np.flatnonzero(self.items < 0).astype(np.int32)

    def recommended(self, made: ListTable, reasons: Reasons) -> tuple[ListTable, Reasons]:
        """Customers' lists with their reasons, a row a customer; `made` has a row each of `new_customers`."""
        if self.lists is None:
            return made, reasons
        stacked = _after(self.lists.recommended, made)
        before, rows = self.lists.reasons, _joined(self.customers, len(self.lists.recommended))
        places = stacked.places_of(rows)
        kinds = np.concatenate((before.kinds, reasons.kinds))[places]
        values = np.concatenate((before.values, reasons.values))[places]
        return stacked.take(rows), Reasons(kinds, values)

    def similar(self, made: ListTable) -> ListTable:
        """Lists of similar items, a row an item; `made` has a row each of `new_items`."""
        if self.lists is None:
            return made
        before = self.lists.similar
        return _after(before, made).take(_joined(self.items, len(before)))

    def bought_together(self, made: ListTable, evidence: Evidence) -> tuple[ListTable, Evidence]:
        """What is bought together, with its evidence, a row an item; `made` likewise."""
        if self.lists is None:
            return made, evidence
        stacked = _after(self.lists.bought_together, made)
        before, rows = self.lists.evidence, _joined(self.items, len(self.lists.bought_together))
        places = stacked.places_of(rows)
        names = ("orders", "customers", "lift", "lift_low")
        both = {name: np.concatenate((getattr(before, name), getattr(evidence, name))) for name in names}
        return stacked.take(rows), Evidence(**{name: column[places] for name, column in both.items()})


def _unchanged(
    then: Vocabulary, marks_then: NDArray[np.uint64], now: Vocabulary, marks: NDArray[np.uint64]
) -> _Rows:
    """Where each id stood then, shape (len(now),); -1 for who is new, or known by something else now."""
    row = then.positions(now.ids)
    # Position -1 reads the last entry, or none at all: so one is appended.
    same = np.append(marks_then, np.uint64(0))[row] == marks
    return np.where(same, row, -1).astype(np.int32)


def _rows_with(table: ListTable, wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows hold a place that is wrong, shape (n_rows + 1,); the last entry is nobody's."""
    found = np.zeros(len(table) + 1, bool)
    found[table.row_of_place()[wrong]] = True
    return found


def _moved(lists: Lists, items_now: NDArray[np.int32]) -> Lists:
    """The lists of customers and items, with items at their new positions."""
    because = lists.reasons.kinds == BECAUSE_YOU_BOUGHT
    values = np.array(lists.reasons.values)
    values[because] = items_now[values[because]]
    return replace(
        lists,
        recommended=_with_items(lists.recommended, items_now),
        reasons=Reasons(lists.reasons.kinds, values),
        similar=_with_items(lists.similar, items_now),
        bought_together=_with_items(lists.bought_together, items_now),
    )


def _with_items(table: ListTable, items_now: NDArray[np.int32]) -> ListTable:
    return replace(table, items=items_now[table.items])


def _after(before: ListTable, made: ListTable) -> ListTable:
    return ListTable.stack([before, made], most=len(before.items) + len(made.items))


def _joined(rows: _Rows, n_before: int) -> NDArray[np.int64]:
    """Rows of the lists of before with those made below them, from where each row comes."""
    made = rows < 0
    return np.where(made, n_before + np.cumsum(made) - 1, rows)
