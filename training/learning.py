"""What is learned at one moment, and the lists that come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import DAY, PurchaseHistory
from recommender.data.newcomers import days_on_sale
from recommender.data.orders import OrderLog
from recommender.data.vocabulary import Vocabulary
from recommender.errors import DataError
from recommender.evaluation.past import past_catalog
from recommender.evaluation.split import TemporalSplit
from recommender.models.als import Als, AlsStart
from recommender.models.content import OwnTaste
from recommender.models.registry import MODELS
from recommender.ranking import build
from recommender.ranking.eligibility import eligible_items
from recommender.ranking.examples import Examples, collect
from recommender.ranking.features import FeatureTables
from recommender.ranking.item_traits import ItemTraits
from recommender.ranking.lists import ListTable
from recommender.ranking.ranker import TreeRanker
from recommender.ranking.reranking import rerank
from recommender.ranking.reserved import Reserved
from recommender.ranking.warm_up import warm_up

from .progress import Progress
from .ranker_learning import learned_ranker
from .settings import Settings

_SHORTEST_HISTORY = 2
"""Times the predicted days that must lie before a window for the ranker to learn from it."""


_ALWAYS = ("best_sellers", "als")
"""Models that more than customers' lists are made of; others are only learned where the blend asks them."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """What there is to learn from at one moment, and what may be recommended then.

    Attributes:
        split: what was known then, and what was bought in the days after it, as far as that is known.
        catalog: what is known of the items, in the order of the split's vocabulary.
        history: the purchases, seen at that moment.
        eligible: shape (n_items,), False forbids an item.
        newcomers: shape (n_items,), items that need not have sold; see `NewItems`.
    """

    split: TemporalSplit
    catalog: Catalog
    history: PurchaseHistory
    eligible: NDArray[np.bool_]
    newcomers: NDArray[np.bool_]

    @classmethod
    def of(cls, split: TemporalSplit, catalog: Catalog, settings: Settings) -> "Purchases":
        """Those that a split knows at its cut; the catalog may be in any order."""
        catalog, history = catalog.align(split.train.items), PurchaseHistory.at(split.train, split.cut)
        newcomers = settings.new_items.among(catalog, split.train, split.cut)
        days = settings.lists.retired_after_days
        eligible = eligible_items(history, catalog, retired_after_days=days, newcomers=newcomers)
        return cls(split, catalog, history, eligible, newcomers)

    @property
    def orders(self) -> OrderLog:
        """Purchases of known items, returns taken off."""
        return self.split.train


@dataclass(frozen=True, slots=True)
class Moment:
    """The models as they stand at one moment, and what they make lists of; the purchases are let go.

    Attributes:
        cut: that moment, seconds since 1970 UTC.
        newest: time of the newest line that was learned from, seconds since 1970 UTC.
        customers: labels of the customers.
        catalog: what is known of the items.
        eligible: shape (n_items,), False forbids an item.
        unproven: shape (n_items,), new items with fewer order lines than others need to be known.
        models: fitted models by name, every one a `FittedModel`.
        tables: what the ranker may know of customers and items.
        bought: shape (n_customers, n_items), positive where bought before.
    """

    cut: int
    newest: int
    customers: Vocabulary
    catalog: Catalog
    eligible: NDArray[np.bool_]
    unproven: NDArray[np.bool_]
    models: Mapping[str, Any]
    tables: FeatureTables
    bought: csr_array


@dataclass(frozen=True, slots=True)
class Learned(Moment):
    """Everything learned at one moment, ready to make lists.

    Attributes:
        ranker: orders the candidates; None where the blend has to.
        ranked_by: in words, what orders the candidates and why.
    """

    ranker: TreeRanker | None
    ranked_by: str


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier training left that a later one goes on from.

    Attributes:
        customers: labels of the models' customers.
        items: labels of the models' items.
        models: fitted models by name.
        ranker: see `Learned`.
        ranked_by: see `Learned`.
    """

    customers: Vocabulary
    items: Vocabulary
    models: Mapping[str, Any]
    ranker: TreeRanker | None
    ranked_by: str


@dataclass(slots=True)
class EarlierWindows:
    """Examples of windows that more than one ranker learns from: each is made once.

    One of these serves one order log and one `Settings`.

    Attributes:
        examples: by the window's cut; None where nobody can be learned from.
        newest: the moment fitted last, which is often the next one wanted; None while the next one is fitted.
    """

    examples: dict[int, Examples | None] = field(default_factory=dict)
    newest: Moment | None = None


class Learner(Protocol):
    """Whoever learns from orders until a moment: this machine, or many."""

    def purchases(
        self, orders: OrderLog, catalog: Catalog, settings: Settings, *, now: int, progress: Progress
    ) -> Purchases:
        """See `purchases_at`."""
        ...

    def learn(
        self,
        orders: OrderLog,
        catalog: Catalog,
        settings: Settings,
        *,
        now: int,
        progress: Progress,
        earlier: EarlierWindows | None = None,
    ) -> Learned:
        """See `learn`."""
        ...


class ThisMachine:
    """Learns alone, from the very orders that it is given."""

    def purchases(
        self, orders: OrderLog, catalog: Catalog, settings: Settings, *, now: int, progress: Progress
    ) -> Purchases:
        """See `purchases_at`; what comes next needs the compiled loops."""
        load_loops(progress)
        return purchases_at(orders, catalog, settings, now, progress)

    def learn(
        self,
        orders: OrderLog,
        catalog: Catalog,
        settings: Settings,
        *,
        now: int,
        progress: Progress,
        earlier: EarlierWindows | None = None,
    ) -> Learned:
        """See `learn`."""
        return learn(orders, catalog, settings, now=now, progress=progress, earlier=earlier)


def load_loops(progress: Progress) -> None:
    """Load the compiled loops, before the first of them is needed: to compile them takes a while."""
    with progress.step("Load the compiled loops (a first time compiles them)"):
        warm_up()


def learn(
    orders: OrderLog,
    catalog: Catalog,
    settings: Settings,
    *,
    now: int,
    progress: Progress,
    earlier: EarlierWindows | None = None,
) -> Learned:
    """Fit every model on what was known at a moment, and the ranker on the windows before it.

    Args:
        orders: the shop's whole clean log; what came after `now` is not looked at.
        catalog: what the shop says about its items, in any order.
        settings: of models, ranker and lists.
        now: seconds since 1970 UTC.
        progress: hears of every step.
        earlier: windows that were learned from before, with the same orders and settings.

    Raises:
        DataError: there is no purchase to learn from.
    """
    earlier = earlier or EarlierWindows()
    examples = examples_before(orders, catalog, settings, now=now, earlier=earlier, progress=progress)
    ranker, ranked_by = learned_ranker(examples, settings, progress)
    purchases = purchases_at(orders.until(now), catalog, settings, now, progress)
    earlier.newest = _moment(purchases, settings, progress)
    return _learned(earlier.newest, ranker, ranked_by)


def examples_before(
    orders: OrderLog,
    catalog: Catalog,
    settings: Settings,
    *,
    now: int,
    earlier: EarlierWindows,
    progress: Progress,
) -> list[Examples]:
    """What the ranker of a moment learns from: examples of the windows before it, the newest first.

    Arguments as in `learn`. They stay in `earlier`, the models that were fitted for them do not: with a large
    shop there is no room for those of two moments.
    """
    load_loops(progress)
    known = orders.until(now)
    found = earlier_examples(
        known.first_time,
        settings,
        now,
        earlier,
        lambda cut: _examples(known, catalog, settings, cut, progress, earlier),
    )
    earlier.newest = None
    return found


def relearn(purchases: Purchases, settings: Settings, *, known: Known, progress: Progress) -> Learned:
    """Fit every model on what is known now; ALS goes on from what it knew, and the ranker stays as it was.

    Args:
        purchases: what there is to learn from.
        settings: of models and lists.
        known: what was learned some days ago, with the same settings.
        progress: hears of every step.
    """
    return _learned(_moment(purchases, settings, progress, known), known.ranker, known.ranked_by)


def purchases_at(
    orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> Purchases:
    """What there is to learn from at a cut.

    Args:
        orders: the shop's clean log, until the cut or longer.
        catalog: what the shop says about its items, in any order.
        settings: of what counts as known, new and retired.
        cut: seconds since 1970 UTC.
        progress: hears of every step.

    Raises:
        DataError: there is nothing.
    """
    split = known_split(orders, catalog, settings, cut, progress)
    if len(split.train) == 0:
        raise DataError(
            "there is no purchase to learn from: all was sent back, or was put aside (see the findings)"
        )
    return Purchases.of(split, catalog, settings)


def _learned(moment: Moment, ranker: TreeRanker | None, ranked_by: str) -> Learned:
    own = {each.name: getattr(moment, each.name) for each in fields(moment)}
    return Learned(**own, ranker=ranker, ranked_by=ranked_by)


def recommended(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    """The lists of these customers, as they are published."""
    lists = ranked(learned, settings, customers, progress)
    with progress.step("Look at each list as a whole"):
        return rerank(lists, settings.reranking, item_traits(learned, settings))


def ranked(
    learned: Learned, settings: Settings, customers: NDArray[np.int32], progress: Progress
) -> ListTable:
    """The lists of these customers before they are looked at as a whole."""
    with progress.step("Write customer lists", total=len(customers)) as advance:
        return build.recommend(
            learned.models,
            settings.blend,
            customers,
            rank=None if learned.ranker is None else partial(learned.ranker.scores, learned.tables),
            bought=learned.bought,
            eligible=learned.eligible,
            length=settings.lists.length,
            per_model=settings.lists.candidates_per_model,
            reserved=Reserved(
                learned.unproven,
                settings.reranking.new_item_share,
                OwnTaste.of(learned.models["content"]),
            ),
            progress=advance,
        )


def item_traits(learned: Learned, settings: Settings) -> ItemTraits:
    """What re-ranking needs to know of the items."""
    return ItemTraits.of(
        learned.catalog,
        learned.bought,
        newcomers=learned.unproven,
        variant_column=settings.reranking.variant_column,
        factors=learned.models["als"].item_factors,
    )


def known_split(
    orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
) -> TemporalSplit:
    """What is learned from at a cut; the catalog's newcomers are among the known items."""
    days, bar = settings.evaluation.days, settings.lists.min_item_lines
    with progress.step("Take off returns"):
        is_new = settings.new_items.among(catalog, orders.until(cut), cut)
        new = [catalog.items.ids[int(item)] for item in np.flatnonzero(is_new)]
        return TemporalSplit.at(orders, cut, days=days, min_item_lines=bar, newcomers=new)


def _moment(
    purchases: Purchases, settings: Settings, progress: Progress, known: Known | None = None
) -> Moment:
    history, catalog = purchases.history, purchases.catalog
    models: dict[str, Any] = {}
    for name in MODELS:
        if settings.blend.counts(name) or name in _ALWAYS:
            with progress.step(f"Learn {name}"):
                models[name] = _fitted(name, settings, history, known)
    with progress.step("Learn content"):
        on_sale = days_on_sale(history, catalog, purchases.split.cut)
        models["content"] = settings.models.content.fit(
            history, catalog, models["als"], newcomers=purchases.newcomers, days_on_sale=on_sale
        )
    with progress.step("Describe customers and items"):
        tables = FeatureTables.of(purchases.orders, history, catalog)
    lines = np.bincount(purchases.orders.item, minlength=len(catalog.items))
    return Moment(
        cut=purchases.split.cut,
        newest=purchases.orders.last_time,
        customers=history.customers,
        catalog=catalog,
        eligible=purchases.eligible,
        unproven=purchases.newcomers & (lines < settings.lists.min_item_lines),
        models=models,
        tables=tables,
        bought=history.interactions(half_life_days=np.inf),
    )


def _fitted(name: str, settings: Settings, history: PurchaseHistory, known: Known | None) -> Any:
    model = getattr(settings.models, name)
    if known is None or not isinstance(model, Als):
        return model.fit(history)
    start = AlsStart.of(known.models[name], known.customers, known.items, history)
    return replace(model, iterations=settings.update.als_iterations).fit(history, start=start)


def earlier_examples(
    first_time: int,
    settings: Settings,
    now: int,
    earlier: EarlierWindows,
    make: Callable[[int], Examples | None],
) -> list[Examples]:
    """Examples of the windows before `now` that the history is long enough for.

    Args:
        first_time: of the oldest order line, seconds since 1970 UTC.
        settings: of the ranker and of the windows.
        now: seconds since 1970 UTC.
        earlier: windows whose examples were made before, and where new ones are noted.
        make: examples of the window after a cut; None where nobody can be learned from.
    """
    days = settings.evaluation.days
    cuts = [now - int(days * DAY) * (number + 1) for number in range(settings.ranker.windows)]
    oldest = first_time + _SHORTEST_HISTORY * days * DAY
    # The oldest first: the newest one fitted may be the moment that is wanted next.
    for cut in sorted(cut for cut in cuts if cut >= oldest):
        if cut not in earlier.examples:
            earlier.examples[cut] = make(cut)
    return [found for cut in cuts if (found := earlier.examples.get(cut)) is not None]


def _examples(
    orders: OrderLog,
    catalog: Catalog,
    settings: Settings,
    cut: int,
    progress: Progress,
    earlier: EarlierWindows,
) -> Examples | None:
    # An undated item that has sold since may not have been there yet, and what is off sale was on sale.
    catalog, newest = past_catalog(catalog, orders.until(cut), cut), earlier.newest
    split = known_split(orders, catalog, settings, cut, progress)
    then_bought = split.truth()
    buyers = np.flatnonzero(np.diff(then_bought.indptr)).astype(np.int32)
    # Looked at first: where everything was sent back by then there is not even a model to learn.
    if not len(buyers):
        return None
    if newest is not None and newest.cut == cut:
        moment = newest
    else:
        moment = _moment(Purchases.of(split, catalog, settings), settings, progress)
    with progress.step("Collect what the ranker learns from"):
        return examples_of(moment, settings, drawn_buyers(buyers, settings), then_bought)


def drawn_buyers(buyers: NDArray[np.int32], settings: Settings) -> NDArray[np.int32]:
    """Those of a window's buyers that the ranker learns from: all of them, or as many as the settings say."""
    ranker = settings.ranker
    if len(buyers) <= ranker.customers:
        return buyers
    drawn = np.random.default_rng(ranker.seed).permutation(len(buyers))[: ranker.customers]
    return np.sort(buyers[drawn])


def examples_of(
    moment: Moment, settings: Settings, buyers: NDArray[np.int32], then_bought: csr_array
) -> Examples:
    """What these buyers could have been shown at a moment, and what they then bought.

    Args:
        moment: the models as they stood.
        settings: of ranker and lists.
        buyers: positions in the moment's vocabulary.
        then_bought: shape (n_customers, n_items), positive where bought in the window.
    """
    ranker = settings.ranker
    return collect(
        settings.blend.asked(moment.models),
        moment.tables,
        buyers,
        bought=moment.bought,
        eligible=moment.eligible,
        then_bought=then_bought,
        per_model=settings.lists.candidates_per_model,
        kept=ranker.kept,
        most=ranker.examples,
        seed=ranker.seed,
    )
