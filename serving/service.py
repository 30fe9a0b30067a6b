"""Answers questions: reads the stored lists, walks down the ladder, says how the answer came about."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import ref

import msgspec

from recommender.errors import SnapshotMissing, SnapshotUnreadable
from recommender.events.recommendation_ids import tag_text
from recommender.ranking.due_list import DueList
from recommender.ranking.lists import RecommendationList
from recommender.snapshot.due_rows import decode_due
from recommender.snapshot.redis_layout import RedisKeys

from .basis import Answered, Basis, Ground, Noted
from .customer_notes import read_notes
from .due_dates import with_dates
from .errors import UnknownItem
from .follower import SnapshotFollower
from .health_schemas import Ready
from .invalidations import Invalidations
from .ladder import (
    DUE,
    Rung,
    Tried,
    due_key,
    first_answer,
    keys_of,
    ladder_of,
    past_orders_key,
    read_first,
    read_late,
)
from .live_items import LiveItems
from .live_snapshot import LiveSnapshot
from .log_format import nameless
from .pinned_snapshots import PinnedSnapshots
from .private_customers import PrivateCustomers, as_nobody
from .question import Question
from .reasons import Explainer, reason_keys
from .rendering import explanation, places_of, plain_items, render
from .row_reader import Reading, RowReader
from .shaping import shaped

logger = logging.getLogger(__name__)

_OF_AN_ITEM = ("similar:", "bought-together:")
_DUE = "due:"

_MOST_GROUNDS = 16


@dataclass(frozen=True, slots=True)
class _Found:
    """What a walk down the ladder found.

    Attributes:
        reading: the stored entries that were read for it.
        lists: the sound lists among them, by key.
        damaged: keys of the others.
        tried: the rungs that were tried; the last one answers.
    """

    reading: Reading
    lists: Mapping[str, RecommendationList]
    damaged: frozenset[str]
    tried: tuple[Tried, ...]

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The rungs that were tried."""
        return tuple(tried.rung for tried in self.tried)


class RecommendationService:
    """What the service can say, without a word of HTTP.

    Attributes:
        private: who is to be unknown.
        memory: what this worker remembers, and others that share it.
    """

    def __init__(
        self,
        follower: SnapshotFollower,
        reader: RowReader,
        items: LiveItems,
        keys: RedisKeys,
        invalidations: Invalidations,
        pinned: PinnedSnapshots,
        private: PrivateCustomers | None = None,
    ) -> None:
        self._follower, self._pinned = follower, pinned
        self._reader, self.memory = reader, reader.memory
        self._items = items
        self._keys = keys
        self._invalidations = invalidations
        self.private = private or PrivateCustomers(None)
        self._items_at = 0  # when it was read that the version of `items.known` is the latest
        self._grounds: dict[tuple[object, ...], Ground] = {}

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
        published, private = self._live(asked.snapshot), self.private.generation
        asked = self.private.seen(asked)
        ladder = _ladder(asked, published)
        keys = keys_of(read_first(ladder), asked)
        beside = self._beside(asked)
        wanted = [*keys, *reason_keys(asked)]
        reading = self._remembered(published, wanted, beside) or self._read(published, wanted, beside)
        live, now = self._now(published, asked, reading)
        version, at = reading.beside.get(self._keys.item_version), 0
        if reading.fresh and version == self._items.known.version:
            at = reading.at
            self._items_at = max(self._items_at, at)
        ground = self._ground(now.snapshot, live, version, private)
        noted = None if asked.customer_id is None else Noted(beside[-1], reading.beside.get(beside[-1]))
        if now.customer_id != asked.customer_id:
            # Who opted out a moment ago, as another worker knows: nobody's list is read instead.
            basis = self.read(now)
            if basis.live is not live:
                return self.read(asked)
            return replace(basis, ground=ground, noted=noted, at=min(at, basis.at))
        return Basis(now, live, self._items.known.version, ladder, keys, reading, ground, noted, at)

    def holds(self, ground: Ground, noted: Noted | None, at: int) -> bool:
        """Whether an answer is still what would be answered; reads no list.

        A snapshot never changes: it is enough that the same is live, that the shop has said nothing new of
        its items, and that the customer has done nothing that counts. False also where nobody can say.

        Args:
            ground: what the answer stands on.
            noted: of whom it is; None for a guest.
            at: see `Basis`.
        """
        published = self._live(ground.named)
        if noted is not None:
            self.private.refresh()
        if published.id != ground.snapshot or self.private.generation != ground.private:
            return False
        beside = [self._keys.item_version] if noted is None else [self._keys.item_version, noted.name]
        changes = None if self._follower.withdrawn else self._invalidations.changes(beside)
        if changes is not None:
            return max(changes) < at
        reading = self._read(published, [], beside)
        if not reading.fresh or (noted is not None and reading.beside.get(noted.name) != noted.notes):
            return False
        version = reading.beside.get(self._keys.item_version)
        return version == ground.version and self._items.seen(published, version) is ground.live()

    def ground(self) -> Ground:
        """What an answer would stand on that were made now; asks nobody.

        Raises:
            SnapshotMissing: see `answer`.
        """
        version = self._items.known.version
        live = self._items.seen(self._live(None), version)
        return self._ground(None, live, version, self.private.generation)

    def made_of(self, basis: Basis) -> Answered:
        """The answer; of equal bases always the same."""
        asked, live = basis.asked, basis.live
        found = self._walk(basis)
        reading, lists, rungs = found.reading, found.lists, found.rungs
        for_reasons = reason_keys(asked)
        shown = shaped(found.tried[-1].shown, asked, lists, live)
        unreadable, unexplained = reading.unread | found.damaged, False
        self._reader.distrust(live.id, found.damaged)
        if shown.pinned or asked.explain or "reason" in asked.fields:
            explainer = Explainer.of(asked, rungs[-1].name, lists, _some(reading.rows, for_reasons), live)
            items = render(shown, asked, explainer)
            # A reason may be read from lists of rungs that were not tried, too.
            unexplained = bool(for_reasons) and (bool(unreadable) or explainer.damaged)
            if explainer.damaged:
                self._reader.distrust(live.id, for_reasons)
        else:
            items = plain_items(places_of(shown, asked), asked, live)
        degraded = not basis.of_named_snapshot or (
            bool(unreadable) and not unreadable.isdisjoint(keys_of(rungs, asked))
        )
        if rungs[-1] is DUE:
            for due in (lists.get(key) for key in due_key(asked)):
                items = with_dates(items, due, asked, live) if isinstance(due, DueList) else items
        made = basis.answer(
            rungs[-1].name, items, stale=reading.stale, degraded=degraded, uncertain=degraded or unexplained
        )
        if asked.explain:
            made = msgspec.structs.replace(made, explanation=explanation(found.tried, asked, lists, live))
        return Answered(made, not (reading.stale or degraded or unexplained))

    def tag(self, asked: Question) -> str:
        """What the id of the answer begins with that this question has when all is well; reads no list.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
        """
        published, asked = self._live(asked.snapshot), self.private.seen(asked)
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
        lists, damaged = _sound_lists(_some(reading.rows, basis.keys), asked, live)
        tried = first_answer(basis.ladder, asked, lists, live)
        late = read_late(tuple(one.rung for one in tried))
        keys = keys_of(late, _about_known_items(asked, live)) if late else []
        if keys:
            more = self._read(live, keys)
            more_lists, more_damaged = _sound_lists(more.rows, asked, live)
            reading, lists, damaged = reading.with_more(more), lists | more_lists, damaged | more_damaged
            tried = first_answer(basis.ladder, asked, lists, live)
        return _Found(reading, lists, frozenset(damaged), tried)

    def _remembered(self, live: LiveSnapshot, keys: list[str], beside: list[str]) -> Reading | None:
        """What Redis would say, where that is known without asking; None where it is not."""
        changes = None if self._follower.withdrawn else self._invalidations.changes(beside)
        if changes is None or changes[0] >= self._items_at:
            return None
        at, version = self._items_at, self._items.known.version
        values = {} if version is None else {beside[0]: version}
        for name, changed in zip(beside[1:], changes[1:], strict=True):
            noted_at, notes = self._reader.known(name)
            if changed >= noted_at:
                return None
            at = min(at, noted_at)
            if notes is not None:
                values[name] = notes
        kept = {key: row for key in keys if (row := live.item_lists.row(key)) is not None}
        others = [key for key in keys if key not in kept]
        rows = {**kept, **self._reader.recall(live.id, others).rows} if others else kept
        return Reading(rows, beside=values, fresh=True, at=at) if len(rows) == len(keys) else None

    def _ground(self, named: str | None, live: LiveSnapshot, version: bytes | None, private: int) -> Ground:
        """The same for as long as it is the same: thousands of answers that are kept share it."""
        key = (named, live.id, version, private)
        ground = self._grounds.get(key)
        if ground is None or ground.live() is not live:
            if len(self._grounds) >= _MOST_GROUNDS:
                self._grounds.clear()
            ground = self._grounds[key] = Ground(named, live.id, ref(live), version, private)
        return ground

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
        if notes.opted_out:
            return live, as_nobody(asked)
        return live, msgspec.structs.replace(asked, bought_since=notes.bought, dismissed=notes.dismissed)

    def _live(self, named: str | None) -> LiveSnapshot:
        """The snapshot to answer from: the live one, unless a variant names another that can be had."""
        if named is not None and (pinned := self._pinned.get(named)) is not None:
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


def _ladder(asked: Question, live: LiveSnapshot) -> tuple[Rung, ...]:
    about_item = asked.call in ("similar", "bought_together", "item_bundles")
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
) -> tuple[dict[str, RecommendationList], set[str]]:
    """The stored lists that can be read, and the keys of the others: there the next rung answers."""
    lists: dict[str, RecommendationList] = {}
    damaged, orders_key = set(), past_orders_key(asked)
    for key, row in rows.items():
        try:
            if key.startswith(_OF_AN_ITEM):
                lists[key] = live.read_item_list(key, row)
            elif key.startswith(_DUE):
                lists[key] = decode_due(row, live.manifest.n_items)
            else:
                lists[key] = live.read_list(row, once=key not in orders_key)
        except SnapshotUnreadable as error:
            damaged.add(key)
            logger.warning("%s is put aside: %s", nameless(key), error)
    return lists, damaged
