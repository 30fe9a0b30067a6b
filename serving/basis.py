"""What an answer is made of, and what it is before it is put in words."""

from dataclasses import dataclass

import msgspec
from msgspec import UNSET

from recommender.events.recommendation_ids import Shown, recommendation_id

from .invalidations import Stamp
from .ladder import Rung, Tried
from .live_snapshot import LiveSnapshot
from .question import Question
from .reasons import Explainer
from .row_reader import Reading
from .schemas import Recommendations, SourceName
from .shaping import Shaped


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer.

    Attributes:
        recommendations: what is said.
        sound: whether everything was read that it should be made of, so that it may be kept.
    """

    recommendations: Recommendations
    sound: bool


class Ground(msgspec.Struct, frozen=True, gc=False):
    """What an answer that is kept stands on; see `RecommendationService.holds`.

    Attributes:
        named: id of the snapshot that a variant names, if one does.
        live, stamp: see `Basis`.
        beside: what was read beside the lists, by name; None where there was nothing.
        private: `PrivateCustomers.generation` from before.
    """

    # Thousands are kept, and none is ever part of a cycle: the collector need not look at them.
    named: str | None
    live: LiveSnapshot
    stamp: Stamp | None
    beside: tuple[tuple[str, bytes | None], ...]
    private: int = 0


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer is made of.

    Attributes:
        asked: the question, with what its customer just did.
        live: the snapshot, with what the shop says of its items.
        version: of what it says.
        ladder: rungs to try.
        keys: of the lists that are read before any is tried.
        reading: what was read.
        beside: what was read beside them, by name; None where there was nothing.
        stamp: of that, from before it was read; None where nobody tells of changes.
        private: see `Ground`.
    """

    asked: Question
    live: LiveSnapshot
    version: bytes | None
    ladder: tuple[Rung, ...]
    keys: list[str]
    reading: Reading
    beside: tuple[tuple[str, bytes | None], ...]
    stamp: Stamp | None
    private: int

    @property
    def of_named_snapshot(self) -> bool:
        """Whether it is of the snapshot that the question's variant names, if it names one."""
        return self.asked.snapshot in (None, self.live.id)

    @property
    def ground(self) -> Ground:
        """What of it is kept with the answer."""
        return Ground(self.asked.snapshot, self.live, self.stamp, self.beside, self.private)

    def frame(
        self, source: SourceName, *, stale: bool = False, degraded: bool = False, uncertain: bool = False
    ) -> Recommendations:
        """The answer without its items.

        Args:
            source: which rung it stands on.
            stale: see `Recommendations`.
            degraded: see `Recommendations`.
            uncertain: whether something could not be read, so that another answer may have this basis.
        """
        asked, live = self.asked, self.live
        told = Shown(asked.call, source, live.id, asked.placement, asked.experiment, asked.variant)
        return Recommendations(
            recommendation_id=recommendation_id(asked.tag(live.id, self.version, degraded=uncertain), told),
            items=(),
            source=source,
            snapshot=live.id,
            generated_at=live.manifest.generated_at,
            stale=stale,
            degraded=degraded,
            placement=UNSET if asked.placement is None else asked.placement,
            experiment=UNSET if asked.experiment is None else asked.experiment,
            variant=UNSET if asked.variant is None else asked.variant,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """What is answered, before it is put in words.

    Attributes:
        frame: the answer without its items.
        shown: the list in the order in which it is shown.
        explainer: says why items stand there.
        tried: the rungs that were tried.
        sound: see `Answered`.
    """

    frame: Recommendations
    shown: Shaped
    explainer: Explainer
    tried: tuple[Tried, ...]
    sound: bool
