"""Would the lists have been any good? Judged on days that nothing was learned from."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.vocabulary import Vocabulary
from recommender.evaluation.cross_sell import CartLists, Carts, OrdersInCommon, SameForAll
from recommender.evaluation.evaluation import BEST_SELLERS, COUNTS, OURS, Evaluation
from recommender.evaluation.judge import KS, K, Verdict
from recommender.evaluation.past import past_catalog
from recommender.evaluation.reranked import Reranked, reranked, settings_to_price
from recommender.evaluation.split import TemporalSplit, require_known_by, rolling_cuts
from recommender.evaluation.window import Window
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.lists import ListTable
from recommender.ranking.reranking import Reranking, rerank
from recommender.snapshot.manifest import rfc3339

from .carried import Carried
from .item_lists import cart_trees, plain_lists, similar_items
from .learning import THIS_MACHINE, Learned, Learner, item_traits, ranked
from .moment import Purchases
from .progress import Advance, Progress
from .settings import Settings
from .sources import ReadOrders
from .windows import EarlierWindows

_NO_OTHERS: Mapping[str, Settings] = MappingProxyType({})
_NO_PRICES: Mapping[str, Reranking] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PastLists:
    """Lists that would have been published at a cut, in the item vocabulary of the whole catalog.

    Attributes:
        lists: row r belongs to the r-th customer asked for.
        best_sellers: likewise, best sellers under the same rules.
        eligible: shape (n_items,), items that could be shown then.
        for_cart: what the service would have shown beside a cart.
        counts_for_cart: what stood in most orders beside its items.
        reranked: the lists as other settings of re-ranking make them, by the names that were asked for.
    """

    lists: ListTable
    best_sellers: ListTable
    eligible: NDArray[np.bool_]
    for_cart: CartLists
    counts_for_cart: OrdersInCommon
    reranked: Mapping[str, Reranked]


@dataclass(frozen=True, slots=True)
class _Told:
    """A `Progress` whose steps also say what they are for."""

    progress: Progress
    what: str

    def step(self, name: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """See `Progress.step`."""
        return self.progress.step(f"{name} ({self.what})", total)


def evaluate(
    read: ReadOrders,
    settings: Settings,
    *,
    progress: Progress,
    earlier: EarlierWindows | None = None,
    learner: Learner = THIS_MACHINE,
) -> Verdict | None:
    """Judge the lists that would have been published before the last days, on those days.

    Arguments as in `evaluation_of`.

    Returns:
        None where nothing can be judged.
    """
    evaluation = evaluation_of(read, settings, progress=progress, earlier=earlier, learner=learner)
    if evaluation is None:
        return None
    with progress.step("Judge against best sellers"):
        return evaluation.verdict()


def evaluation_of(
    read: ReadOrders,
    settings: Settings,
    *,
    others: Mapping[str, Settings] = _NO_OTHERS,
    priced: bool = False,
    ks: Sequence[int] = KS,
    progress: Progress,
    earlier: EarlierWindows | None = None,
    learner: Learner = THIS_MACHINE,
) -> Evaluation | None:
    """The lists that would have been published before each window, beside what was then bought.

    Args:
        read: clean orders and catalog.
        settings: of models, lists and evaluation.
        others: settings to compare with, by name, on the same customers and purchases: of these only what
            is said of models and lists counts.
        priced: whether the lists of `settings` are wanted by every dial of re-ranking alone, too.
        ks: lengths of list that are judged.
        progress: hears of every step.
        earlier: windows that the ranker of `settings` learned from, for whoever learns from this log next.
        learner: learns what the lists are made by.

    Returns:
        None where the history is not at least three times as long as the days to predict, or nobody who
        ordered before ordered again.
    """
    wanted = settings.evaluation
    cuts = rolling_cuts(read.orders, days=wanted.days, windows=wanted.windows)
    held_out = [found for cut in cuts if (found := _held_out(read, settings, cut, progress))[0].truth.nnz]
    if not held_out:
        return None
    windows, carts = zip(*held_out, strict=True)
    k, prices = K if K in ks else ks[0], settings_to_price(settings.reranking) if priced else _NO_PRICES
    make = partial(_made, read, windows=windows, progress=progress, k=k, learner=learner)
    made = {OURS: make(settings, name=OURS if others else "", earlier=earlier, prices=prices)}
    made |= {name: make(other, name=name) for name, other in others.items()}
    return Evaluation(
        catalog=read.catalog,
        customers=read.orders.customers,
        windows=windows,
        lists={
            OURS: tuple(past.lists for past in made[OURS]),
            BEST_SELLERS: tuple(past.best_sellers for past in made[OURS]),
            **{name: tuple(past.lists for past in made[name]) for name in others},
        },
        eligible=tuple(past.eligible for past in made[OURS]),
        k=k,
        ks=tuple(ks),
        carts=carts,
        answers={
            OURS: tuple(past.for_cart.answer for past in made[OURS]),
            BEST_SELLERS: tuple(SameForAll(past.for_cart.best_sellers).answer for past in made[OURS]),
            COUNTS: tuple(past.counts_for_cart.answer for past in made[OURS]),
            **{name: tuple(past.for_cart.answer for past in made[name]) for name in others},
        },
        reranked={name: tuple(past.reranked[name] for past in made[OURS]) for name in prices},
        findings=_findings(len(windows), wanted.windows),
    )


def past_lists(
    read: ReadOrders,
    settings: Settings,
    cut: int,
    customers: NDArray[np.int32],
    progress: Progress,
    earlier: EarlierWindows | None = None,
    *,
    prices: Mapping[str, Reranking] = _NO_PRICES,
    k: int = K,
    learner: Learner = THIS_MACHINE,
) -> PastLists:
    """The lists of these customers as they would have been published at a cut.

    Only orders until the cut are handed on, so that nothing can be learned from a later one. `earlier` may
    hold windows of earlier cuts only. `prices` are further settings of re-ranking, of whose lists the first
    `k` places of every mode are wanted. `learner` learns what the lists are made by.

    Raises:
        ValueError: something was learned from later orders all the same.
    """
    past = read.orders.until(cut)
    catalog = past_catalog(read.catalog, past, cut)
    items = read.catalog.items
    purchases = learner.purchases(past, catalog, settings, cut, progress)
    require_known_by(cut, purchases.orders.last_time)
    trees, carried = cart_trees(purchases, settings, progress), Carried.nothing(purchases)
    plain = plain_lists(purchases, read.places, settings, progress, trees=trees, carried=carried)
    eligible = np.zeros(len(items), bool)
    eligible[items.positions(purchases.catalog.items.ids)] = purchases.eligible
    counts = _counts_for_cart(purchases, eligible, items)
    del purchases
    learned = learner.learn(past, catalog, settings, now=cut, earlier=earlier, progress=progress)
    require_known_by(cut, learned.newest)
    by_rank, traits = ranked(learned, settings, customers, progress), item_traits(learned, settings)
    with progress.step("Look at each list as a whole"):
        lists = _moved(rerank(by_rank, settings.reranking, traits), learned, items)
        priced = {
            name: reranked(by_rank, wanted, traits, eligible=learned.eligible, k=k)
            for name, wanted in prices.items()
        }
    return PastLists(
        lists=lists,
        best_sellers=_moved(_best_seller_lists(learned, customers, settings.lists.length), learned, items),
        eligible=eligible,
        for_cart=CartLists(
            together=_moved(plain.together, learned, items),
            similar=_moved(similar_items(plain.similar, learned, settings, progress), learned, items),
            row_of_item=_positions_in(items.positions(learned.catalog.items.ids), len(items)),
            own=lists,
            orders=_moved(plain.past_orders, learned, items),
            row_of_customer=_positions_in(customers, len(read.orders.customers)),
            best_sellers=_moved(_best_sellers(learned, settings.lists.length), learned, items).row(0),
        ),
        counts_for_cart=counts,
        reranked={
            name: replace(one, lists=_moved(one.lists, learned, items)) for name, one in priced.items()
        },
    )


def _positions_in(values: NDArray[np.int32], n: int) -> NDArray[np.int32]:
    """Where each number below `n` stands in `values`, shape (n,); -1 where it does not."""
    position = np.full(n, -1, np.int32)
    position[values] = np.arange(len(values))
    return position


def _counts_for_cart(purchases: Purchases, eligible: NDArray[np.bool_], items: Vocabulary) -> OrdersInCommon:
    baskets = purchases.history.baskets()
    column = items.positions(purchases.catalog.items.ids)[baskets.indices]
    # Only where entries are is looked at: a byte each says enough.
    ones = np.ones(baskets.nnz, bool)
    moved = csr_array((ones, column, baskets.indptr), shape=(baskets.shape[0], len(items)))
    return OrdersInCommon(moved, moved.T.tocsr(), eligible)


def _made(
    read: ReadOrders,
    settings: Settings,
    *,
    windows: Sequence[Window],
    progress: Progress,
    name: str,
    k: int,
    earlier: EarlierWindows | None = None,
    prices: Mapping[str, Reranking] = _NO_PRICES,
    learner: Learner = THIS_MACHINE,
) -> list[PastLists]:
    """Lists for every window, in the order of the windows; `name` says whose, where there are others."""
    earlier, made = earlier or EarlierWindows(), []
    # The oldest first: the ranker of a window learns from those before it, and these are then at hand. The
    # other way round, it would be handed what was made by somebody who knew more than it may.
    for window in reversed(windows):
        until = f"until {rfc3339(window.cut)[:10]}" if len(windows) > 1 else ""
        what = ", ".join(filter(None, (name, until)))
        told = _Told(progress, what) if what else progress
        asked = (read, settings, window.cut, window.customers, told, earlier)
        made.append(past_lists(*asked, prices=prices, k=k, learner=learner))
    return made[::-1]


def _held_out(read: ReadOrders, settings: Settings, cut: int, progress: Progress) -> tuple[Window, Carts]:
    days, bar = settings.evaluation.days, settings.lists.min_item_lines
    with progress.step(f"Hold out {days:g} days"):
        split = TemporalSplit.at(read.orders, cut, days=days, min_item_lines=bar)
        return Window.of(split, read.catalog.items), Carts.of(split, read.catalog.items)


def _best_seller_lists(learned: Learned, customers: NDArray[np.int32], length: int) -> ListTable:
    """Best sellers under the same rules as the lists: the customer's own purchases are flagged."""
    only = {"best_sellers": learned.models["best_sellers"]}
    return build.recommend(
        only, Blend(), customers, bought=learned.bought, eligible=learned.eligible, length=length
    )  # fmt: skip


def _best_sellers(learned: Learned, length: int) -> ListTable:
    """One list for everybody, as it is published."""
    sold = np.where(learned.eligible, learned.models["best_sellers"].sold, 0)
    return build.best_sellers(sold, np.full(len(sold), -1, np.int32), 0, length)


def _moved(table: ListTable, learned: Learned, items: Vocabulary) -> ListTable:
    return replace(table, items=items.positions(learned.catalog.items.ids)[table.items])


def _findings(judged: int, wanted: int) -> tuple[str, ...]:
    if judged == wanted:
        return ()
    return (f"of {wanted} windows only {judged} could be judged: before them there is too little history",)
