"""Better settings for a shop: looked for on earlier windows, judged on the last one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recommender.data.history import DAY
from recommender.errors import ConfigError, DataError
from recommender.evaluation.evaluation import TaskComparison, compared
from recommender.evaluation.split import rolling_cuts
from recommender.settings_file import did_you_mean
from recommender.snapshot.directory import fingerprint

from .evaluation import evaluation_of
from .progress import Progress
from .settings import Settings
from .sources import ReadOrders
from .tuning_space import RANKING, changed, model_spaces, stages_of
from .tuning_stages import model_stage, ranking_stage
from .tuning_study import Found, Limits, Stage, Trials
from .tuning_windows import PastWindow, past_windows

MODELS_SHARE = 0.5
"""Share of the time that the models may take where the ranking is tuned too, whose trials cost the most."""

_TUNED = "tuned"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is tuned, and for how long.

    Attributes:
        minutes: that the trials may take, those of earlier calls on the same study counted in; the
            comparison that follows them, which costs two trainings, is not.
        trials: of each stage at most, the first of them with today's settings.
        windows: how many windows settings are chosen on at most, all before the last one.
        only: stages to tune; all of them by default.
    """

    minutes: float
    trials: int
    windows: int = 2
    only: tuple[str, ...] = ()

    def stages(self, settings: Settings) -> tuple[str, ...]:
        """Names of the stages wanted.

        Raises:
            ConfigError: nothing of a name is tuned.
        """
        known = stages_of(settings)
        for name in self.only:
            if name not in known:
                raise ConfigError(f"--only {name}: no such stage{did_you_mean(name, list(known))}")
        return self.only or known


@dataclass(frozen=True, slots=True)
class Tuned:
    """What the tuning came to.

    Attributes:
        before: today's settings.
        after: the same, with all that stood out from chance on the earlier windows.
        stages: what each stage came to, in the order in which they were tuned.
        days: length of a window.
        cuts: of the windows that settings were chosen on, newest first.
        judged_cut: of the last window, on which none was.
        comparisons: `after` beside `before` on the last window, by task; empty where they are the same.
        findings: what is odd about the tuning, in sentences.
    """

    before: Settings
    after: Settings
    stages: tuple[Found, ...]
    days: float
    cuts: tuple[int, ...]
    judged_cut: int
    comparisons: tuple[TaskComparison, ...]
    findings: tuple[str, ...]


def tune(read: ReadOrders, settings: Settings, plan: Plan, trials: Trials, *, progress: Progress) -> Tuned:
    """Look for better settings on the windows before the last one, then compare them with today's on it.

    First each model alone, by the lists that it would make; then what orders their proposals, with the
    models as they were found.

    Args:
        read: clean orders and catalog.
        settings: today's.
        plan: how much is tuned.
        trials: make and remember them.
        progress: hears of every step.

    Raises:
        ConfigError: the plan names a stage that there is not.
        DataError: before the last window there is none to choose by.
    """
    wanted = plan.stages(settings)
    windows = past_windows(read, settings, windows=plan.windows, seed=trials.seed, progress=progress)
    if not windows:
        raise DataError(
            "there is no window to choose settings on: the history is shorter than four times "
            f"{settings.evaluation.days:g} days ([evaluation] days), or nobody ordered again in them"
        )
    search = _Search(plan, trials, windows, _shop_key(read, settings, windows), progress)
    stages = search.models(settings, wanted)
    after = _with_changes(settings, stages)
    if RANKING in wanted:
        ranking = search.ranking(after, seconds=60 * plan.minutes - sum(found.seconds for found in stages))
        after = _with_changes(after, ranking)
        stages += ranking
    (judged_cut,) = rolling_cuts(read.orders, days=settings.evaluation.days, windows=1)
    return Tuned(
        before=settings,
        after=after,
        stages=stages,
        days=settings.evaluation.days,
        cuts=tuple(window.cut for window in windows),
        judged_cut=judged_cut,
        comparisons=_compared(read, settings, after, progress),
        findings=_findings(plan, wanted, stages, len(windows)),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for better settings, without the last window.

    Attributes:
        plan: how much is tuned.
        trials: make and remember them.
        windows: that settings are chosen on, newest first.
        shop: of everything about the orders that a trial's figures depend on.
        progress: hears of every step.
    """

    plan: Plan
    trials: Trials
    windows: tuple[PastWindow, ...]
    shop: str
    progress: Progress

    def models(self, settings: Settings, wanted: Sequence[str]) -> tuple[Found, ...]:
        """Each model alone; time that one leaves over is for those after it."""
        seconds = 60 * self.plan.minutes * (MODELS_SHARE if RANKING in wanted else 1)
        spaces = [space for space in model_spaces(settings) if space.stage in wanted]
        found: list[Found] = []
        for left, space in zip(range(len(spaces), 0, -1), spaces, strict=True):
            found.append(self._search(model_stage(settings, space, self.windows), seconds / left))
            seconds -= found[-1].seconds
        return tuple(found)

    def ranking(self, settings: Settings, *, seconds: float) -> tuple[Found, ...]:
        """What orders the models' proposals; nothing where no time is left for it."""
        if seconds <= 0:
            return ()
        started = self.trials.clock()
        stage = ranking_stage(settings, self.windows, self.progress)
        return (self._search(stage, seconds - (self.trials.clock() - started)),)

    def _search(self, stage: Stage, seconds: float) -> Found:
        return self.trials.search(stage, Limits(seconds, self.plan.trials), shop=self.shop)


def _shop_key(read: ReadOrders, settings: Settings, windows: Sequence[PastWindow]) -> str:
    days, cuts = settings.evaluation.days, [window.cut for window in windows]
    return f"{fingerprint(read.orders.until(cuts[0] + int(days * DAY)))} {days} {cuts}"


def _with_changes(settings: Settings, stages: Sequence[Found]) -> Settings:
    for found in stages:
        settings = changed(settings, found.space.section, found.changes)
    return settings


def _compared(
    read: ReadOrders, before: Settings, after: Settings, progress: Progress
) -> tuple[TaskComparison, ...]:
    if after == before:
        return ()
    last_only = replace(before, evaluation=replace(before.evaluation, windows=1))
    evaluation = evaluation_of(read, last_only, others={_TUNED: after}, progress=progress)
    if evaluation is None:
        return ()
    with progress.step("Compare on the last window"):
        return compared(evaluation)


def _findings(plan: Plan, wanted: Sequence[str], stages: Sequence[Found], windows: int) -> tuple[str, ...]:
    findings = []
    if windows < plan.windows:
        findings.append(
            f"settings could be chosen on {windows} of {plan.windows} windows only: the history is short"
        )
    tried = {found.space.stage for found in stages if found.trials > 1 or not found.space.parameters}
    if late := [stage for stage in wanted if stage not in tried]:
        findings.append(f"no time was left to try anything for {', '.join(late)}: give it more --minutes")
    return tuple(findings)
