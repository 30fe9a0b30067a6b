"""What an answer is made of, and what it is before it is put in words."""

from dataclasses import dataclass
from typing import Any
from weakref import ref

import msgspec

from recommender.events.recommendation_ids import Shown, recommendation_id

from .ladder import Rung
from .live_snapshot import LiveSnapshot
from .question import Question
from .row_reader import Reading
from .schemas import Recommendations, RecommendedItem, SourceName


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer.

    Attributes:
        recommendations: what is said.
        sound: whether everything was read that it should be made of, so that it may be kept.
    """

    recommendations: Recommendations
    sound: bool


class Ground(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What many answers that are kept stand on; see `RecommendationService.holds`.

    Attributes:
        named: id of the snapshot that a variant names, if one does.
        snapshot: id of the snapshot.
        live: the snapshot with what the shop said of its items, as long as anybody answers from it: each
            change makes another, and answers that are kept are not to hold on to them all.
        version: of what it said; None where it said nothing.
        private: `PrivateCustomers.generation` from before.
    """

    # Answers by the thousand are kept, and none is ever part of a cycle: the collector need not look at them.
    named: str | None
    snapshot: str
    live: "ref[LiveSnapshot]"
    version: bytes | None
    private: int


class Noted(msgspec.Struct, frozen=True, gc=False):
    """What was noted of a customer when an answer was made.

    Attributes:
        name: of the customer's notes.
        notes: as they are stored; None where there were none.
    """

    name: str
    notes: bytes | None


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
        ground: see `Ground`.
        noted: of whom it is; None for a guest.
        at: from before what it is made of was read, by `moment`; 0 where that may be out of date already.
    """

    asked: Question
    live: LiveSnapshot
    version: bytes | None
    ladder: tuple[Rung, ...]
    keys: list[str]
    reading: Reading
    ground: Ground
    noted: Noted | None
    at: int

    @property
    def of_named_snapshot(self) -> bool:
        """Whether it is of the snapshot that the question's variant names, if it names one."""
        return self.asked.snapshot in (None, self.live.id)

    def answer(
        self,
        source: SourceName,
        items: tuple[RecommendedItem, ...],
        *,
        stale: bool = False,
        degraded: bool = False,
        uncertain: bool = False,
    ) -> Recommendations:
        """What is said of these items; other arguments as of `said`."""
        said = self.said(source, stale=stale, degraded=degraded, uncertain=uncertain)
        return Recommendations(items=items, **said)

    def said(
        self, source: SourceName, *, stale: bool = False, degraded: bool = False, uncertain: bool = False
    ) -> dict[str, Any]:
        """What is said of any answer, by its names on the wire.

        Args:
            source: which rung it stands on.
            stale: see `Recommendations`.
            degraded: see `Recommendations`.
            uncertain: whether something could not be read, so that another answer may have this basis.
        """
        asked, live = self.asked, self.live
        told = Shown(asked.call, source, live.id, asked.placement, asked.experiment, asked.variant)
        labels = {name: getattr(asked, name) for name in ("placement", "experiment", "variant")}
        return {
            "recommendation_id": recommendation_id(
                asked.tag(live.id, self.version, degraded=uncertain), told
            ),
            "source": source,
            "snapshot": live.id,
            "generated_at": live.manifest.generated_at,
            "stale": stale,
            "degraded": degraded,
            **{name: label for name, label in labels.items() if label is not None},
        }
