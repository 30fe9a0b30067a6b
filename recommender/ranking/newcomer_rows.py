"""New items on item pages: what is shown beside them, and where they are shown beside others."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models.als import AlsModel
from recommender.models.content import ContentModel
from recommender.ranking.lists import SOURCES, ListTable
from recommender.ranking.place_rules import Rulebook
from recommender.ranking.reranking import Reranking, filled
from recommender.ranking.reserved import Reserved
from recommender.top_n.dense_rows import among_top_n

PAGES = 10
"""A new item may be shown on the pages of so many items: those that it is most alike."""

_BLOCK_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Anchor, item and closeness of what may be shown beside what, shape (n,) each."""

    anchor: NDArray[np.int64]
    item: NDArray[np.int64]
    closeness: NDArray[np.float32]


def with_newcomers(
    similar: ListTable,
    als: AlsModel,
    content: ContentModel,
    eligible: NDArray[np.bool_],
    *,
    bought: csr_array,
    length: int,
    settings: Reranking,
) -> ListTable:
    """Similar items, with rows for items that hardly anybody bought, and with those items in others' rows.

    How close two items are is the cosine of their factors, those of a new one as its text tells them: their
    product would show what sells best, whatever the new item is like (docs/similar-items.md). What a row
    holds already stays first. A new item comes into the rows of the `PAGES` items that it is closest to,
    and has its share of their first places, as in customers' lists. Two items that one customer alone bought
    both of are not shown beside each other: a new item with few buyers has their taste.

    Args:
        similar: one row an item, by what the same customers buy.
        als: factors of items that were bought.
        content: factors of the new ones.
        eligible: shape (n_items,), False forbids an item.
        bought: shape (n_customers, n_items), positive where bought.
        length: places of a row.
        settings: how many of the first places are for new items.

    Returns:
        The same table where nothing is said of a new item.
    """
    if not content.newcomers.any():
        return similar
    table = _appended(similar, _closest(als, content, eligible, bought, length))
    kept = table.keep(Reserved(content.newcomers, settings.new_item_share).kept(table, length))
    nothing_spare = np.zeros(len(kept.items), bool)
    share = Rulebook((), content.newcomers, settings.new_item_share, None, 0.0)
    return filled(kept, settings.places, share, spare=nothing_spare)


def _closest(
    als: AlsModel, content: ContentModel, eligible: NDArray[np.bool_], bought: csr_array, length: int
) -> _Pairs:
    new = np.flatnonzero(content.newcomers)
    factors = np.array(als.item_factors)
    factors[new] = content.item_factors
    factors /= np.maximum(np.linalg.norm(factors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    size = max(1, _BLOCK_CELLS // len(factors))
    once = csr_array((bought > 0).astype(np.float32))
    buyers = once.T.tocsr()
    parts = []
    for start in range(0, len(new), size):
        some = new[start : start + size]
        of_one_person = (buyers[some] @ once).toarray() == 1
        parts.append(_closest_of(some, factors, content.newcomers, eligible, of_one_person, length))
    columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(_Pairs))
    return _Pairs(*columns)


def _closest_of(
    some: NDArray[np.intp],
    factors: NDArray[np.float32],
    newcomers: NDArray[np.bool_],
    eligible: NDArray[np.bool_],
    of_one_person: NDArray[np.bool_],
    length: int,
) -> _Pairs:
    """What goes on the pages of some new items, and the pages that they go on."""
    closeness = np.where(of_one_person, 0, np.maximum(factors[some] @ factors.T, 0))
    closeness[np.arange(len(some)), some] = 0
    row, beside = np.nonzero(_best(closeness * eligible, length))
    host, page = np.nonzero(_best(closeness * (eligible[some, None] & ~newcomers), PAGES))
    return _Pairs(
        np.concatenate((some[row], page)),
        np.concatenate((beside, some[host])),
        np.concatenate((closeness[row, beside], closeness[host, page])),
    )


def _best(closeness: NDArray[np.float32], n: int) -> NDArray[np.bool_]:
    return among_top_n(closeness, n) & (closeness > 0)


def _appended(table: ListTable, pairs: _Pairs) -> ListTable:
    """The table with further places at the end of its rows, the closest first; none twice in a row."""
    row = np.concatenate((table.row_of_place(), pairs.anchor))
    item = np.concatenate((table.items.astype(np.int64), pairs.item))
    later = np.arange(len(row)) >= len(table.items)
    score = np.concatenate((table.scores, pairs.closeness))
    score[later] *= _scale(table, pairs)[pairs.anchor]
    source = np.concatenate((table.sources, np.full(len(pairs.item), SOURCES.index("content"), np.uint8)))
    _, first = np.unique(row * len(table) + item, return_index=True)
    once = np.sort(first)
    order = once[np.lexsort((item[once], -score[once], later[once], row[once]))]
    starts = np.concatenate(([0], np.cumsum(np.bincount(row[order], minlength=len(table)))))
    return ListTable(
        starts.astype(np.int64), item[order].astype(np.int32), score[order], source[order],
        np.zeros(len(order), bool),
    )  # fmt: skip


def _scale(table: ListTable, pairs: _Pairs) -> NDArray[np.float32]:
    """What closeness is multiplied by in each row, so that scores go on falling; shape (n_rows,)."""
    closest = np.zeros(len(table), np.float32)
    np.maximum.at(closest, pairs.anchor, pairs.closeness)
    lengths = np.diff(table.starts)
    lowest = np.where(lengths > 0, np.append(table.scores, 1)[table.starts[1:] - 1], closest)
    return np.asarray(lowest / np.where(closest > 0, closest, 1), np.float32)
