"""What expressions say of the items of one snapshot, remembered."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from recommender.snapshot.encoding import ItemRecord

from .expressions import Expression

_MOST_EXPRESSIONS = 64
_MOST_ITEMS = 20_000
"""What is remembered: lists share most of their items, and a lookup costs a hundredth of an evaluation."""


class ItemExpressions:
    """Evaluates expressions on items of one snapshot, each item once."""

    def __init__(self, items: Sequence[ItemRecord]) -> None:
        """Nothing is evaluated yet.

        Args:
            items: of the snapshot, by position.
        """
        self._items = items
        self._said: OrderedDict[Expression, dict[int, float]] = OrderedDict()
        self._memory = Lock()

    def of(self, expression: Expression, items: NDArray[np.int32]) -> NDArray[np.float32]:
        """What the expression says of these items, shape (n,); see `Expression.of`."""
        said = self._remembered(expression)
        values = np.empty(len(items), np.float32)
        for place, item in enumerate(items.tolist()):
            value = said.get(item)
            if value is None:
                value = said[item] = expression.of(self._items[item])
            values[place] = value
        return values

    def with_items(self, items: Sequence[ItemRecord], changed: Collection[int]) -> "ItemExpressions":
        """The same for these items, of which some have changed.

        Args:
            items: all of them, by position.
            changed: positions of those of which nothing that is remembered holds any more.
        """
        others = ItemExpressions(items)
        with self._memory:
            said = [(expression, dict(values)) for expression, values in self._said.items()]
        for expression, values in said:
            for item in changed:
                values.pop(item, None)
            others._said[expression] = values
        return others

    def _remembered(self, expression: Expression) -> dict[int, float]:
        with self._memory:
            said = self._said.setdefault(expression, {})
            self._said.move_to_end(expression)
            if len(said) > _MOST_ITEMS:
                said.clear()
            if len(self._said) > _MOST_EXPRESSIONS:
                self._said.popitem(last=False)
        return said
