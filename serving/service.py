"""Answers questions: reads the stored lists, walks down the ladder, says how the answer came about."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from msgspec import UNSET

from recommender.errors import SnapshotMissing, SnapshotUnreadable
from recommender.events.recommendation_ids import Shown, recommendation_id, tag_text
from recommender.ranking.lists import RecommendationList
from recommender.snapshot.redis_layout import RedisKeys

from .customer_notes import read_notes
from .errors import UnknownItem
from .follower import SnapshotFollower
from .health_schemas import Ready
from .ladder import Rung, Tried, first_answer, keys_of, ladder_of, past_orders_key, read_first, read_late
from .live_items import LiveItems
from .live_snapshot import LiveSnapshot
from .pinned_snapshots import PinnedSnapshots
from .question import Question
from .reasons import Explainer, reason_keys
from .rendering import explanation, render
from .row_reader import Reading, RowReader
from .schemas import Recommendations
from .shaping import shaped

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a walk down the ladder found.

    Attributes:
        reading: the stored entries that were read for it.
        lists: the sound lists among them, by key.
        tried: the rungs that were tried; the last one answers.
    """

    reading: Reading
    lists: Mapping[str, RecommendationList]
    tried: tuple[Tried, ...]

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The rungs that were tried."""
        return tuple(tried.rung for tried in self.tried)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer.

    Attributes:
        recommendations: what is said.
        sound: whether everything was read that it should be made of, so that it may be kept.
    """

    recommendations: Recommendations
    sound: bool


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
    """

    asked: Question
    live: LiveSnapshot
    version: bytes | None
    ladder: tuple[Rung, ...]
    keys: list[str]
    reading: Reading

    def without_rows(self) -> "Basis":
        """What `holds` needs of it."""
        return replace(self, reading=Reading({}))


class RecommendationService:
    """What the service can say, without a word of HTTP."""

    def __init__(
        self,
        follower: SnapshotFollower,
        reader: RowReader,
        items: LiveItems,
        keys: RedisKeys,
        pinned: PinnedSnapshots,
    ) -> None:
        self._follower, self._pinned = follower, pinned
        self._reader = reader
        self._items = items
        self._keys = keys

    def answer(self, asked: Question) -> Answered:
        """The best list that can be had for this question.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
            UnknownItem: a strict question about an item that the snapshot does not know.
        """
        return self.made_of(self.read(asked))

    def read(self, asked: Question) -> Basis:
        """Everything that the answer is made of; one round trip.

        Raises:
            SnapshotMissing: see `answer`.
            UnknownItem: see `answer`.
        """
        published = self._live(asked)
        ladder = _ladder(asked, published)
        keys = keys_of(read_first(ladder), asked)
        reading = self._read(published, [*keys, *reason_keys(asked)], self._beside(asked))
        live, asked = self._now(published, asked, reading)
        return Basis(asked, live, self._items.known.version, ladder, keys, reading)

    def holds(self, basis: Basis) -> bool:
        """Whether the answer made of this is still what would be answered; reads no list.

        A snapshot never changes: it is enough that the same is live, that the shop has said nothing new of
        its items, and that the customer has done nothing that counts. False also where nobody can say.
        """
        published = self._live(basis.asked)
        if published.id != basis.live.id:
            return False
        reading = self._read(published, [], self._beside(basis.asked))
        if not reading.fresh:
            return False
        live, asked = self._now(published, basis.asked, reading)
        return live is basis.live and asked == basis.asked

    def made_of(self, basis: Basis) -> Answered:
        """The answer; of equal bases always the same."""
        asked, live = basis.asked, basis.live
        found = self._walk(basis)
        reading, lists, rungs = found.reading, found.lists, found.rungs
        for_reasons = reason_keys(asked)
        shown = shaped(found.tried[-1].shown, asked, lists, live)
        explainer = Explainer.of(asked, rungs[-1].name, lists, _some(reading.rows, for_reasons), live)
        unreadable = reading.unread | (
            _some(reading.rows, keys_of(basis.ladder, asked)).keys() - lists.keys()
        )
        degraded = asked.snapshot not in (None, live.id) or not unreadable.isdisjoint(keys_of(rungs, asked))
        # A reason may be read from lists of rungs that were not tried, too.
        unexplained = bool(for_reasons) and (bool(unreadable) or explainer.damaged)
        ranked = Recommendations(
            recommendation_id=recommendation_id(
                asked.tag(live.id, basis.version, degraded=degraded or unexplained),
                _shown(asked, rungs[-1], live),
            ),
            items=render(shown, asked, explainer),
            source=rungs[-1].name,
            snapshot=live.id,
            generated_at=live.manifest.generated_at,
            stale=reading.stale,
            degraded=degraded,
            placement=UNSET if asked.placement is None else asked.placement,
            experiment=UNSET if asked.experiment is None else asked.experiment,
            variant=UNSET if asked.variant is None else asked.variant,
            explanation=explanation(found.tried, asked, lists, live) if asked.explain else UNSET,
        )
        return Answered(ranked, sound=not (reading.stale or degraded or unexplained))

    def tag(self, asked: Question) -> str:
        """What the id of the answer begins with that this question has when all is well; reads no list.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
        """
        published = self._live(asked)
        reading = self._read(published, [], self._beside(asked))
        live, asked = self._now(published, asked, reading)
        return tag_text(asked.tag(live.id, self._items.known.version))

    def knows_item(self, item_id: str) -> bool:
        """Whether the live snapshot has this item."""
        live = self._follower.live
        return live is not None and item_id in live.vocabulary

    def readiness(self, now: datetime) -> Ready:
        """What is live, and how old.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
        """
        live = self._follower.live
        if live is None:
            reason = self._follower.trouble or "the store was not asked yet"
            raise SnapshotMissing(f"no snapshot to answer from: {reason}")
        manifest = live.manifest
        age = now - datetime.fromisoformat(manifest.generated_at)
        return Ready(
            snapshot=manifest.snapshot,
            generated_at=manifest.generated_at,
            age_seconds=max(0, int(age.total_seconds())),
            trouble=self._follower.trouble,
        )

    def _walk(self, basis: Basis) -> _Found:
        """Walk down the ladder; once more, with their lists, where that comes to rungs seldom needed."""
        asked, live, reading = basis.asked, basis.live, basis.reading
        lists = _sound_lists(_some(reading.rows, basis.keys), asked, live)
        tried = first_answer(basis.ladder, asked, lists, live)
        late = keys_of(read_late(tuple(one.rung for one in tried)), _about_known_items(asked, live))
        if late:
            more = self._read(live, late)
            reading, lists = reading.with_more(more), lists | _sound_lists(more.rows, asked, live)
            tried = first_answer(basis.ladder, asked, lists, live)
        return _Found(reading, lists, tried)

    def _beside(self, asked: Question) -> list[str]:
        """Names of what changes between publications and matters to this question."""
        notes = [] if asked.customer_id is None else [self._keys.notes(asked.customer_id)]
        return [self._keys.item_version, *notes]

    def _now(
        self, published: LiveSnapshot, asked: Question, reading: Reading
    ) -> tuple[LiveSnapshot, Question]:
        """The snapshot and the question as of now, by what was read beside the lists."""
        live = self._items.seen(published, reading.beside.get(self._keys.item_version))
        if asked.customer_id is None:
            return live, asked
        stored = reading.beside.get(self._keys.notes(asked.customer_id))
        notes = read_notes(stored, since=published.data_until)
        return live, msgspec.structs.replace(asked, bought_since=notes.bought, dismissed=notes.dismissed)

    def _live(self, asked: Question) -> LiveSnapshot:
        """The snapshot to answer from: the live one, unless the variant names another that can be had."""
        if asked.snapshot is not None and (pinned := self._pinned.get(asked.snapshot)) is not None:
            return pinned
        live = self._follower.live
        if live is None:
            # Why is for the operators: it may name hosts and paths.
            raise SnapshotMissing("no snapshot to answer from yet: /health/ready says why")
        return live

    def _read(self, live: LiveSnapshot, keys: list[str], beside: Sequence[str] = ()) -> Reading:
        # A store that lost the snapshot answers "no such entry" to everything; memory knows better.
        if self._follower.withdrawn:
            return self._reader.recall(live.id, keys, beside)
        return self._reader.read(live.id, keys, live.manifest.pages, beside)


def _shown(asked: Question, rung: Rung, live: LiveSnapshot) -> Shown:
    return Shown(asked.call, rung.name, live.id, asked.placement, asked.experiment, asked.variant)


def _ladder(asked: Question, live: LiveSnapshot) -> tuple[Rung, ...]:
    about_item = asked.call in ("similar", "bought_together")
    if asked.strict and about_item and asked.items[0] not in live.vocabulary:
        raise UnknownItem(
            f"item {asked.items[0]!r} is not in snapshot {live.id}: check the id, "
            "wait for the next training, or ask without strict to get best sellers instead"
        )
    return ladder_of(asked)


def _about_known_items(asked: Question, live: LiveSnapshot) -> Question:
    """The question without ids that the snapshot does not know, which have no stored entry."""
    return msgspec.structs.replace(asked, items=tuple(id_ for id_ in asked.items if id_ in live.vocabulary))


def _some(rows: Mapping[str, bytes], keys: Iterable[str]) -> dict[str, bytes]:
    return {key: rows[key] for key in keys if key in rows}


def _sound_lists(
    rows: Mapping[str, bytes], asked: Question, live: LiveSnapshot
) -> dict[str, RecommendationList]:
    """The stored lists that can be read; a damaged one is put aside, and the next rung answers."""
    lists = {}
    for key, row in rows.items():
        try:
            lists[key] = live.read_list(row, once=key not in past_orders_key(asked))
        except SnapshotUnreadable as error:
            logger.warning("%s is put aside: %s", key, error)
    return lists
