"""Learns as `learning.learn` does, with models that Spark fitted on everybody's orders."""

from dataclasses import dataclass, field, replace

import numpy as np

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import OrderLog
from recommender.data.returns import net_of_returns
from recommender.evaluation.past import past_catalog
from recommender.evaluation.split import TemporalSplit
from recommender.ranking.examples import Examples

from ..learning import Learned
from ..moment import Purchases
from ..progress import Progress
from ..ranker_learning import learned_ranker
from ..settings import Settings
from ..windows import EarlierWindows, drawn_buyers, earlier_examples, examples_of
from .orders import ShopOrders
from .purchases import ItemsPast
from .sample import Sample
from .shared import Shared, SharedWithFactors, learn_shared


@dataclass(slots=True)
class SparkLearner:
    """Learns for the sample's customers; what it learned last is kept for whoever asks next.

    Attributes:
        orders: of the whole shop.
        sample: whom lists are wanted of.
        newest: the cut and the item side that were learned last.
    """

    orders: ShopOrders
    sample: Sample
    newest: tuple[int, SharedWithFactors] | None = field(default=None, init=False)

    def purchases(
        self, orders: OrderLog, catalog: Catalog, settings: Settings, cut: int, progress: Progress
    ) -> Purchases:
        """See `moment.purchases_at`; `orders` are the sample's, and what counts is what the shop sold."""
        return self.at(cut, catalog, settings, progress).shared.purchases(orders.until(cut))

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
        """See `learning.learn`; `orders` are the sample's."""
        found = earlier_examples(
            self.orders.first_time,
            settings,
            now,
            earlier or EarlierWindows(),
            lambda cut: self._examples(settings, cut, progress),
        )
        ranker, ranked_by = learned_ranker(found, settings, progress)
        learned = self.at(now, catalog, settings, progress)
        part = learned.shared.part(orders.until(now), self.sample.factors(learned))
        return replace(part, ranker=ranker, ranked_by=ranked_by)

    def at(self, cut: int, catalog: Catalog, settings: Settings, progress: Progress) -> SharedWithFactors:
        """The item side of a moment."""
        if self.newest is None or self.newest[0] != cut:
            if self.newest is not None:
                self.newest[1].factors.unpersist()
            self.newest = cut, learn_shared(self.orders, catalog, settings, cut, progress)
        return self.newest[1]

    def _examples(self, settings: Settings, cut: int, progress: Progress) -> Examples | None:
        """What customers of the sample bought in the window after a cut, beside what they were proposed."""
        whole, days = self.sample.read.orders, settings.evaluation.days
        catalog = past_catalog(self.orders.catalog, ItemsPast.at(self.orders, cut).digest, cut)
        learned = self.at(cut, catalog, settings, progress)
        with progress.step("Collect what the ranker learns from"):
            split = _split(whole, learned.shared, days)
            then_bought = split.truth()
            buyers = np.flatnonzero(np.diff(then_bought.indptr)).astype(np.int32)
            if not len(buyers):
                return None
            buyers = drawn_buyers(buyers, settings)
            theirs = whole.until(cut).lines(np.isin(whole.until(cut).customer, buyers))
            part = learned.shared.part(theirs, self.sample.factors(learned))
            return examples_of(part, settings, buyers, then_bought)


def _split(orders: OrderLog, shared: Shared, days: float) -> TemporalSplit:
    """What these customers had bought, and what they bought next, of the items that the whole shop knew."""
    known, cut = shared.items.known, shared.cut
    later = orders.after(cut).until(cut + int(days * DAY)).purchases()
    train = net_of_returns(orders.until(cut).keep_items(known)).orders
    return TemporalSplit(cut, days, train, later.keep_items(known), later)
