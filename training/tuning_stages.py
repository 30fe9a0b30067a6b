"""The stages of the tuning: each model alone, then what orders their proposals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from recommender.ranking.examples import Examples

from .learning import Learned, learn, recommended
from .moment import load_loops
from .progress import Progress, Silent
from .settings import Settings
from .tuning_space import Space, Values, blend_space, changed, ranker_space
from .tuning_study import Stage
from .tuning_windows import Ndcg, PastWindow
from .windows import EarlierWindows

_SILENT = Silent()


def model_stage(settings: Settings, space: Space, windows: Sequence[PastWindow]) -> Stage:
    """A model, judged by the lists that it would make alone."""

    def ndcg(values: Values, window: int) -> Ndcg:
        return windows[window].ndcg_of_model(changed(settings, space.section, values), space.stage)

    fixed = (getattr(settings.models, space.stage), settings.lists)
    return Stage(space, fixed, [window.customers for window in windows], ndcg)


def ranking_stage(settings: Settings, windows: Sequence[PastWindow], progress: Progress) -> Stage:
    """What orders the models' proposals, judged by the lists that would be published.

    That is the ranker; the blend, where the newest window has too few examples to learn one. Windows where
    it is the other way round are left out. The models are fitted here, once for all trials.

    Args:
        settings: with the models as they shall be.
        windows: newest first.
        progress: hears of the step.
    """
    fitted = _fitted(settings, windows, progress)
    by_blend = fitted[0].learned.ranker is None
    alike = [one for one in fitted if (one.learned.ranker is None) == by_blend]
    space = blend_space(settings) if by_blend else ranker_space(settings)

    def ndcg(values: Values, window: int) -> Ndcg:
        return alike[window].ndcg(changed(settings, space.section, values))

    fixed = (settings.models, settings.blend, settings.ranker, settings.lists, settings.reranking)
    return Stage(space, fixed, [one.window.customers for one in alike], ndcg)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A window with everything that its trials share.

    Attributes:
        settings: that it was learned with.
        window: whom the lists are for, and what they then bought.
        learned: at its cut.
        examples: that its ranker learned from, the newest window's first.
    """

    settings: Settings
    window: PastWindow
    learned: Learned
    examples: Sequence[Examples]

    def ndcg(self, settings: Settings) -> Ndcg:
        """nDCG@10 of the lists, with another ranker or blend."""
        learned = self.learned
        if learned.ranker is not None and settings.ranker != self.settings.ranker:
            learned = replace(learned, ranker=settings.ranker.fit(Examples.stack(self.examples)))
        return self.window.ndcg(recommended(learned, settings, self.window.customers, _SILENT))


def _fitted(settings: Settings, windows: Sequence[PastWindow], progress: Progress) -> list[_Fitted]:
    """Every window, newest first."""
    load_loops(progress)
    earlier, fitted = EarlierWindows(), []
    with progress.step("Learn at earlier windows", total=len(windows)) as advance:
        # The oldest first, so that what one window's ranker learned from is at hand for the next one's.
        for window in reversed(windows):
            learned = learn(
                window.orders, window.catalog, settings, now=window.cut, earlier=earlier, progress=_SILENT
            )
            newest = sorted(earlier.examples, reverse=True)[: settings.ranker.windows]
            examples = [found for cut in newest if (found := earlier.examples[cut]) is not None]
            fitted.append(_Fitted(settings, window, learned, examples))
            advance(len(fitted))
    return fitted[::-1]
