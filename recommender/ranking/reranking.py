"""Re-ranking: what is good for a list as a whole, after every item has been judged by itself.

Every function here takes a table of lists and gives one with the same items in every row, in another
order, with their sources and flags. Items of equal standing keep their order. Scores stay with the places
and not with the items, so that they never rise within a row or any mode's part of it.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.ranges import require_at_least
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.likeness import Likeness
from recommender.ranking.lists import ListTable
from recommender.ranking.place_rules import Rulebook
from recommender.ranking.placing import Block, placed

_ROWS = 5_000
"""Rows worked on at a time by a thread, so that what is needed for it stays small beside the table."""

_BLOCK_CELLS = 500_000
"""Numbers that the largest array of a block may hold: 2 MB, small enough for a processor's cache."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """[reranking]: what lists should be like as a whole. Diversity, damping, caps and the share are off at 0.

    The rules hold for the first `places` of the mixed list, of the repeats and of the discoveries alike.

    Attributes:
        places: first places of each list that the rules below hold for.
        diversity: from 0 (the order stays) to 1 (all that counts is to be unlike what is placed before).
        most_per_category: items of one category; 0 for no limit.
        most_per_brand: items of one brand; 0 for no limit.
        popularity_damping: discoveries stand in the order of score ÷ (share of customers who bought the
            item) to this power, from 0 (the order stays) to 1.
        most_variants: sizes and colours of one product; further ones go to the end of the list. Those
            that the customer has bought before stay, and count first in the mixed list; 0 for no limit.
        variant_column: column of the item file that variants of one product share; where none is named,
            one with a usual name is looked for, or else titles are compared.
        new_item_share: share of the discoveries for new items that have hardly sold yet, as far as there
            are any that suit the customer; from 0 to 1. Which items are new, `[new_items]` says; those with
            `[lists] min_item_lines` order lines stand where the ranker puts them.
    """

    places: int = 10
    diversity: float = 0.0
    most_per_category: int = 0
    most_per_brand: int = 0
    popularity_damping: float = 0.0
    most_variants: int = 1
    variant_column: str = ""
    new_item_share: float = 0.1

    def __post_init__(self) -> None:
        require_at_least(1, places=self.places)
        for name in ("most_per_category", "most_per_brand", "most_variants"):
            require_at_least(0, **{name: getattr(self, name)})
        for name in ("diversity", "popularity_damping", "new_item_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")


def rerank(table: ListTable, settings: Reranking, traits: ItemTraits) -> ListTable:
    """Lists as the settings want them.

    First the repeats and the discoveries of each row are put in order, each kind in its own places of the
    row: popularity damped, variants folded, the first places filled anew by the rules. Then the first
    places of whole rows are filled anew from the first places of both kinds, as far as folding and caps
    want it. So the rules hold in a row's mixed list, in its repeats and in its discoveries. Where they
    cannot all be kept, the share of new items gives way first, then the caps, and folding last.

    Args:
        table: lists; with scores above 0 if popularity is to be damped.
        settings: what is wanted; with everything off, the table comes back as it is.
        traits: of all items.
    """
    rulebook, strength = _rulebook(settings, traits), settings.popularity_damping
    variants = Variants(traits.variant, settings.most_variants)
    if rulebook.empty and not strength and variants.free:
        return table

    def part(start: int) -> ListTable:
        rows = table.rows(slice(start, start + _ROWS))
        by_kind = np.lexsort((rows.bought, rows.row_of_place()))
        kinds = folded(damped(_kinds(rows, by_kind), traits.buyers, strength), variants)
        if not rulebook.empty:
            kinds = filled(kinds, settings.places, rulebook, spare=variants.too_many(kinds))
        rows = _joined(rows, kinds, by_kind)
        too_many = variants.too_many(rows)
        if not rulebook.caps and not too_many.any():
            return rows
        # Whoever is among the first of its kind stays there, so what holds for the kind goes on holding.
        late = _rank_in_kind(kinds, by_kind) >= settings.places
        return filled(rows, settings.places, rulebook.caps_alone(), spare=late | too_many)

    # As in `build.recommend`: numpy lets go of the interpreter, and threads of BLAS would be in the way.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return ListTable.stack(pool.map(part, range(0, len(table), _ROWS)), most=len(table.items))


def damped(table: ListTable, buyers: NDArray[np.float64], strength: float) -> ListTable:
    """Lists whose discoveries stand in the order of score ÷ (share of buyers)^strength.

    Repeats are not damped: they are popular with this customer, whoever else buys them.

    Args:
        table: lists of one kind each, with scores above 0.
        buyers: shape (n_items,), above 0 and at most 1.
        strength: 0 leaves the table as it is.

    Raises:
        ValueError: a score is 0 or less, so that dividing it would not make it better.
    """
    if strength == 0:
        return table
    if not (table.scores > 0).all():
        raise ValueError("popularity can be damped only in lists whose scores are all above 0")
    score = table.scores * np.where(table.bought, 1.0, buyers[table.items] ** -strength)
    return _reordered(table, np.lexsort((-score, table.row_of_place())))


@dataclass(frozen=True, slots=True)
class Variants:
    """How many variants of one product a list may show.

    Attributes:
        product: shape (n_items,), number of the product; -1 for an item without variants.
        at_most: variants of one product; 0 for no limit.
    """

    product: NDArray[np.int32]
    at_most: int

    @property
    def free(self) -> bool:
        """Whether no list can have too many."""
        return self.at_most == 0 or bool((self.product < 0).all())

    def too_many(self, table: ListTable) -> NDArray[np.bool_]:
        """Places beyond the limit, shape (n_places,); what was bought before counts first, and is none."""
        product, row = self.product[table.items], table.row_of_place()
        several = np.flatnonzero((product >= 0) & (self.at_most > 0))
        # By row, then product, then the bought first, then the best placed, as lexsort keeps equals.
        order = several[np.lexsort((~table.bought[several], product[several], row[several]))]
        another = (np.diff(row[order], prepend=-1) != 0) | (np.diff(product[order], prepend=-1) != 0)
        nth = np.arange(len(order)) - np.flatnonzero(another)[np.cumsum(another) - 1]
        too_many = np.zeros(len(product), bool)
        too_many[order] = (nth >= self.at_most) & ~table.bought[order]
        return too_many


def folded(table: ListTable, variants: Variants) -> ListTable:
    """Lists that have further variants of a product at their end."""
    return _reordered(table, np.lexsort((variants.too_many(table), table.row_of_place())))


def filled(table: ListTable, places: int, rulebook: Rulebook, *, spare: NDArray[np.bool_]) -> ListTable:
    """Lists whose first places go, one after the other, to the best candidate that the rules allow.

    Args:
        table: lists.
        places: first places of a row that are filled anew; the rest stays in its order.
        rulebook: the rules.
        spare: shape (n_places,), what should wait until nothing else is left.
    """
    width = int(np.diff(table.starts).max(initial=0))
    if width == 0:
        return table
    size = max(1, _BLOCK_CELLS // (width * width if rulebook.likeness else width))
    orders = []
    for start in range(0, len(table), size):
        block = Block.of(table, table.starts[start : start + size + 1])
        rules, preference = rulebook.rules(block), rulebook.preference(block)
        turns = placed(block, places, spare=spare[block.at], rules=rules, preference=preference)
        orders.append(np.take_along_axis(block.at, turns, axis=1)[block.filled])
    return _reordered(table, np.concatenate(orders))


def _rulebook(settings: Reranking, traits: ItemTraits) -> Rulebook:
    caps = ((traits.category, settings.most_per_category), (traits.brand, settings.most_per_brand))
    return Rulebook(
        caps=tuple((codes, at_most) for codes, at_most in caps if at_most),
        is_new=traits.is_new,
        # Without a new item there is nothing to reserve places for, and lists stay as they are.
        new_item_share=settings.new_item_share if traits.is_new.any() else 0.0,
        likeness=Likeness.of(traits) if settings.diversity else None,
        diversity=settings.diversity,
    )


def _kinds(table: ListTable, by_kind: NDArray[np.intp]) -> ListTable:
    """Two rows of each: its discoveries, then its repeats; `by_kind` is where their places stand."""
    lengths = np.bincount(2 * table.row_of_place() + table.bought, minlength=2 * len(table))
    return ListTable(
        np.concatenate(([0], np.cumsum(lengths))),
        table.items[by_kind],
        table.scores[by_kind],
        table.sources[by_kind],
        table.bought[by_kind],
    )


def _joined(table: ListTable, kinds: ListTable, by_kind: NDArray[np.intp]) -> ListTable:
    """The table with its repeats and its discoveries in the order that they have in `kinds`."""
    items, sources = np.empty_like(table.items), np.empty_like(table.sources)
    items[by_kind], sources[by_kind] = kinds.items, kinds.sources
    return replace(table, items=items, sources=sources)


def _rank_in_kind(kinds: ListTable, by_kind: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many places of its kind stand before each place of the table."""
    rank = np.empty(len(by_kind), np.int64)
    rank[by_kind] = np.arange(len(by_kind)) - kinds.starts[kinds.row_of_place()]
    return rank


def _reordered(table: ListTable, order: NDArray[np.integer]) -> ListTable:
    """Place p gets the item of place `order[p]`, of the same row; scores stay with the places."""
    return replace(table, items=table.items[order], sources=table.sources[order], bought=table.bought[order])
