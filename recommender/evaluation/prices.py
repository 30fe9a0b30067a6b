"""What each dial of re-ranking costs in nDCG, and what it is worth in variety."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.comparison import Comparison, compare, corrected
from recommender.evaluation.evaluation import Evaluation
from recommender.evaluation.intervals import Interval, bootstrap
from recommender.evaluation.judge import marked_on
from recommender.evaluation.reranked import PLAIN, Reranked, Variety
from recommender.evaluation.tasks import TASKS
from recommender.ranking.build import of_mode

PRICED_TASKS = ("all", "repeat", "discover")
"""Tasks that a dial is judged on."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What a dial did to the first places of every list.

    Attributes:
        name: of the dial.
        changed: share of the lists whose first places, of one mode or another, are other ones than without.
        tasks: nDCG@k of the lists, and its difference to the lists as they were, by task; only tasks that
            anybody can be judged on.
        variety: of the first k discoveries; the mean of the windows.
    """

    name: str
    changed: float
    tasks: dict[str, Comparison]
    variety: Variety


@dataclass(frozen=True, slots=True)
class PriceList:
    """Every dial beside the lists as the ranker left them.

    Attributes:
        k: places that count.
        plain: nDCG@k of these lists by task.
        variety: theirs.
        dials: in the order of `DIALS`, what is set first; p is Holm-corrected over all tasks and dials.
    """

    k: int
    plain: dict[str, Interval]
    variety: Variety
    dials: tuple[Priced, ...]


def price_list(evaluation: Evaluation) -> PriceList | None:
    """What each setting in `evaluation.reranked` costs; None where nothing was re-ranked.

    A dial that changes no list costs nothing for certain, and is not among those that p is corrected for.
    """
    made, k, customer = evaluation.reranked, evaluation.k, evaluation.customer
    if not made:
        return None
    changed = {name: _changed(made[PLAIN], made[name], k) for name in made if name != PLAIN}
    moving = [name for name, share in changed.items() if share > 0]
    plain: dict[str, Interval] = {}
    compared: dict[tuple[str, str], Comparison] = {}
    for task in PRICED_TASKS:
        values = {name: _ndcg(evaluation, name, task) for name in (PLAIN, *moving)}
        if not np.isnan(values[PLAIN]).all():
            plain[task] = bootstrap(values[PLAIN], customer=customer)
            beside = {name: values[name] for name in moving}
            compared |= {(task, row.name): row for row in compare(values[PLAIN], beside, customer=customer)}
    compared = dict(zip(compared, corrected(list(compared.values())), strict=True))
    dials = tuple(
        Priced(
            name,
            changed[name],
            {task: compared[task, name] for task in plain if (task, name) in compared},
            _mean_variety(made[name]),
        )
        for name in changed
    )
    return PriceList(k, plain, _mean_variety(made[PLAIN]), dials)


def _ndcg(evaluation: Evaluation, name: str, task: str) -> NDArray[np.float64]:
    lists = [one.lists for one in evaluation.reranked[name]]
    return marked_on(task, evaluation.windows, lists, evaluation.k).values("ndcg", evaluation.k)


def _changed(plain: Sequence[Reranked], dialled: Sequence[Reranked], k: int) -> float:
    differs = []
    for before, after in zip(plain, dialled, strict=True):
        row_differs = np.zeros(len(before.lists), bool)
        for task in PRICED_TASKS:
            first, then = (of_mode(one.lists, TASKS[task], k) for one in (before, after))
            row_differs[first.row_of_place()[first.items != then.items]] = True
        differs.append(row_differs)
    return float(np.concatenate(differs).mean())


def _mean_variety(windows: Sequence[Reranked]) -> Variety:
    def mean(name: str) -> float:
        return float(np.mean([getattr(window.variety, name) for window in windows]))

    return Variety(mean("coverage"), mean("unlikeness"), mean("novelty"), mean("new"))
