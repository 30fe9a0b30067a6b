"""Examples of earlier windows, which rankers learn from."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.data.catalog import Catalog
from recommender.data.history import DAY
from recommender.data.orders import OrderLog
from recommender.evaluation.past import past_catalog
from recommender.ranking.examples import Examples, collect

from .moment import Moment, Purchases, fitted_moment, known_split
from .progress import Progress
from .settings import Settings

_SHORTEST_HISTORY = 2
"""Times the predicted days that must lie before a window for the ranker to learn from it."""


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
        moment = fitted_moment(Purchases.of(split, catalog, settings), settings, progress)
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
