"""Are a snapshot's lists worse than the live ones, beyond noise?

The two were judged on different days, by different customers or by the same ones at other times. Their
figures are taken for independent samples, which where the windows overlap overstates the noise and lets
more pass. What the seasons do to a shop is no noise of this kind: that is what the tolerance is for.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

from recommender.snapshot.vitals import Judged, MeanWithInterval, TaskFigures

from .gate_checks import Reason, drawn_by
from .gate_settings import GateSettings

_ALPHA = 0.05

_WIDTH = 2 * NormalDist().inv_cdf(1 - _ALPHA / 2)
"""Of the interval of a mean, in standard errors."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One task, as both snapshots did on it.

    Attributes:
        ours: of the snapshot.
        live: of the live one.
    """

    ours: TaskFigures
    live: TaskFigures

    def change(self, n_tasks: int) -> MeanWithInterval:
        """How much was gained, with an interval that is right for all of `n_tasks` at once (Bonferroni)."""
        mean = self.ours.ndcg.mean - self.live.ndcg.mean
        error = math.hypot(_standard_error(self.ours.ndcg), _standard_error(self.live.ndcg))
        margin = NormalDist().inv_cdf(1 - _ALPHA / 2 / n_tasks) * error
        return MeanWithInterval(mean, mean - margin, mean + margin)


def comparable(ours: Judged | None, live: Judged | None, settings: GateSettings) -> tuple[Compared, ...]:
    """Tasks that both were judged on, on the same terms and by enough customers."""
    if ours is None or live is None or (ours.k, ours.days) != (live.k, live.days):
        return ()
    ours_on = {figures.task: figures for figures in ours.tasks}
    pairs = (Compared(ours_on[of_live.task], of_live) for of_live in live.tasks if of_live.task in ours_on)
    return tuple(p for p in pairs if min(p.ours.customers, p.live.customers) >= settings.min_judged)


def worse(ours: Judged | None, live: Judged | None, settings: GateSettings) -> Iterator[Reason]:
    """A task lost more than noise and tolerance explain, or there is no verdict where there was one."""
    if _most_judged(live) >= settings.min_judged and _most_judged(ours) == 0:
        found = f"its lists were judged by 0 customers, the live ones by {_most_judged(live):,}"
        advice = "is the history shorter than it was, or [evaluation] days longer?"
        yield drawn_by(settings, "min_judged", found, advice)
    tasks = comparable(ours, live, settings)
    for task in tasks:
        change, allowed = task.change(len(tasks)), -settings.max_ndcg_loss * task.live.ndcg.mean
        if change.high < allowed:
            found = (
                f"nDCG on the task {task.live.task}: {_said(task.ours.ndcg)}, in the live one "
                f"{_said(task.live.ndcg)}; the change of {_said(change)} lies beyond {allowed:+.3f}"
            )
            advice = "did the settings change, or what the export says of items and customers?"
            yield drawn_by(settings, "max_ndcg_loss", found, advice)


def _standard_error(ndcg: MeanWithInterval) -> float:
    return (ndcg.high - ndcg.low) / _WIDTH


def _most_judged(judged: Judged | None) -> int:
    return max((figures.customers for figures in judged.tasks), default=0) if judged else 0


def _said(figure: MeanWithInterval) -> str:
    return f"{figure.mean:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
