"""Answers questions: reads the stored lists, walks down the ladder, says how the answer came about."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from recommender.errors import SnapshotMissing, SnapshotUnreadable
from recommender.ranking.lists import RecommendationList

from .errors import UnknownItem
from .follower import SnapshotFollower
from .ladder import LADDERS, Rung, first_answer, keys_of, past_orders_key, read_first, read_late
from .live_snapshot import LiveSnapshot
from .question import Question
from .reasons import Explainer, reason_keys
from .row_reader import Reading, RowReader
from .schemas import Ready, Recommendations, RecommendedItem

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a walk down the ladder found.

    Attributes:
        reading: the stored entries that were read for it.
        lists: the sound lists among them, by key.
        tried: the rungs that were tried; the last one answers.
        ranked: its answer.
    """

    reading: Reading
    lists: Mapping[str, RecommendationList]
    tried: tuple[Rung, ...]
    ranked: RecommendationList


class RecommendationService:
    """What the service can say, without a word of HTTP."""

    def __init__(self, follower: SnapshotFollower, reader: RowReader) -> None:
        self._follower = follower
        self._reader = reader

    def answer(self, asked: Question) -> Recommendations:
        """The best list that can be had for this question.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
            UnknownItem: a strict question about an item that the snapshot does not know.
        """
        live = self._live()
        ladder, for_reasons = _ladder(asked, live), reason_keys(asked)
        found = self._walk(ladder, asked, live)
        reading, lists, tried = found.reading, found.lists, found.tried
        explainer = Explainer.of(asked, tried[-1].name, lists, _some(reading.rows, for_reasons), live)
        unreadable = reading.unread | (_some(reading.rows, keys_of(ladder, asked)).keys() - lists.keys())
        degraded = not unreadable.isdisjoint(keys_of(tried, asked))
        # A reason may be read from lists of rungs that were not tried, too.
        unexplained = bool(for_reasons) and (bool(unreadable) or explainer.damaged)
        return Recommendations(
            recommendation_id=asked.recommendation_id(live.id, degraded=degraded or unexplained),
            items=_render(found.ranked, asked, explainer),
            source=tried[-1].name,
            snapshot=live.id,
            generated_at=live.manifest.generated_at,
            stale=reading.stale,
            degraded=degraded,
            placement=UNSET if asked.placement is None else asked.placement,
        )

    def recommendation_id(self, asked: Question) -> str:
        """Id of the answer that this question has when all is well; costs no read.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
        """
        return asked.recommendation_id(self._live().id)

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

    def _walk(self, ladder: tuple[Rung, ...], asked: Question, live: LiveSnapshot) -> _Found:
        """Walk down the ladder; once more, with their lists, where that comes to rungs seldom needed."""
        keys = keys_of(read_first(ladder), asked)
        reading = self._read(live, [*keys, *reason_keys(asked)])
        lists = _sound_lists(_some(reading.rows, keys), asked, live)
        tried, ranked = first_answer(ladder, asked, lists, live)
        late = keys_of(read_late(tried), _about_known_items(asked, live))
        if late:
            more = self._read(live, late)
            reading, lists = reading.with_more(more), lists | _sound_lists(more.rows, asked, live)
            tried, ranked = first_answer(ladder, asked, lists, live)
        return _Found(reading, lists, tried, ranked)

    def _live(self) -> LiveSnapshot:
        live = self._follower.live
        if live is None:
            # Why is for the operators: it may name hosts and paths.
            raise SnapshotMissing("no snapshot to answer from yet: /health/ready says why")
        return live

    def _read(self, live: LiveSnapshot, keys: list[str]) -> Reading:
        # A store that lost the snapshot answers "no such entry" to everything; memory knows better.
        if self._follower.withdrawn:
            return self._reader.recall(live.id, keys)
        return self._reader.read(live.id, keys, live.manifest.pages)


def _ladder(asked: Question, live: LiveSnapshot) -> tuple[Rung, ...]:
    ladder = LADDERS[asked.call]
    if not asked.strict:
        return ladder
    if asked.call in ("similar", "bought_together") and asked.items[0] not in live.vocabulary:
        raise UnknownItem(
            f"item {asked.items[0]!r} is not in snapshot {live.id}: check the id, "
            "wait for the next training, or ask without strict to get best sellers instead"
        )
    return ladder[:1]


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


def _render(ranked: RecommendationList, asked: Question, explainer: Explainer) -> tuple[RecommendedItem, ...]:
    page = slice(asked.offset, asked.offset + asked.n)
    places = zip(
        ranked.items[page].tolist(), ranked.scores[page].tolist(), ranked.sources[page].tolist(), strict=True
    )
    return tuple(_render_place(item, score, source, asked, explainer) for item, score, source in places)


def _render_place(
    item: int, score: float, source: int, asked: Question, explainer: Explainer
) -> RecommendedItem:
    live = explainer.live
    record = live.items[item]
    said: dict[str, Any] = {
        name: explainer.reason(item) if name == "reason" else getattr(record, name) for name in asked.fields
    }
    return RecommendedItem(
        item_id=record.item_id,
        # A stored score is a half float or one of 256 steps: more digits would be noise.
        score=float(f"{score:.4g}"),
        source=live.manifest.sources[source],
        **said,
    )
