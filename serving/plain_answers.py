"""The commonest answers, put together from bytes: the first places of one stored list.

What comes out is what `RecommendationService.made_of` says, byte for byte, in a fraction of its time.
Whatever asks for more than that list's own order, or finds anything out of the ordinary, is left to it.
"""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from recommender.errors import SnapshotUnreadable
from recommender.snapshot.encoding import ItemRecord
from recommender.snapshot.rows import PackedList

from .ladder import BOUGHT_TOGETHER, PERSONAL, SIMILAR
from .live_snapshot import LiveSnapshot
from .question import Question
from .rendering import rounded
from .schemas import ItemField, Recommendations, RecommendedItem
from .service import Basis

_MOST_PIECES = 30_000
"""Items whose bytes are kept, some hundred each."""

_NO_ITEMS = b'"items":[]'
_NO_SCORE = b'"score":0.5,"source":""'
"""As msgspec writes them. No string can hold these: its quotes are escaped."""

_Piece = tuple[ItemRecord, bytes, bytes]
"""What is said of an item, what stands before its score and what after its source."""


def is_plain(asked: Question) -> bool:
    """Whether the answer is a stored list, where there is one, without what must not be shown."""
    return asked.mode == "mixed" and not (
        asked.category is not None
        or asked.filters
        or asked.boosts
        or asked.diversity
        or asked.pins
        or asked.explain
        or "reason" in asked.fields
    )


class PlainAnswers:
    """Makes them, and keeps the bytes of items."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[ItemField, ...], dict[int, _Piece]] = {}

    def of(self, basis: Basis) -> tuple[Recommendations, bytes] | None:
        """The answer without its items, and the whole of it in JSON; None where it is left to the service.

        Args:
            basis: of a question that `is_plain`.
        """
        packed, live, asked = _stored(basis), basis.live, basis.asked
        if packed is None:
            return None
        shown = list(_shown(packed, asked, live))
        if not shown:
            return None
        frame = basis.frame(basis.ladder[0].name)
        before, _, after = msgspec.json.encode(frame).partition(_NO_ITEMS)
        items = b",".join(self._items(packed, shown[asked.offset :], asked.fields, live))
        return frame, b"".join((before, b'"items":[', items, b"]", after))

    def _items(
        self, packed: PackedList, places: list[int], fields: tuple[ItemField, ...], live: LiveSnapshot
    ) -> Iterator[bytes]:
        pieces = self._pieces_of(fields)
        scores = msgspec.json.encode([rounded(score) for score in packed.scores(places)])[1:-1].split(b",")
        sources = _encoded_sources(live.manifest.sources)
        for place, score in zip(places, scores, strict=False):
            item = packed.items[place]
            record = live.items[item]
            piece = pieces.get(item)
            if piece is None or piece[0] is not record:
                piece = pieces[item] = _piece(record, fields)
            yield b"".join((piece[1], score, sources[packed.sources[place]], piece[2]))

    def _pieces_of(self, fields: tuple[ItemField, ...]) -> dict[int, _Piece]:
        if sum(map(len, self._pieces.values())) > _MOST_PIECES:
            self._pieces.clear()
        return self._pieces.setdefault(fields, {})


def _stored(basis: Basis) -> PackedList | None:
    """The stored list that the first rung answers from, if it is sound and nothing was in its way."""
    if basis.ladder[0] not in (PERSONAL, SIMILAR, BOUGHT_TOGETHER) or not basis.reading.fresh:
        return None
    manifest, row = basis.live.manifest, basis.reading.rows.get(basis.keys[0])
    if row is None or basis.reading.stale:
        return None
    try:
        packed = PackedList.of(row)
    except SnapshotUnreadable:
        return None
    return packed if packed and packed.fits(manifest.n_items, len(manifest.sources)) else None


def _shown(packed: PackedList, asked: Question, live: LiveSnapshot) -> Iterator[int]:
    """The places that may be shown, up to the last one asked for."""
    named = (*asked.items, *asked.exclude, *asked.blocks, *asked.bought_since, *asked.dismissed)
    hidden = {live.vocabulary.position(id_) for id_ in named}
    left = asked.offset + asked.n
    for place, item in enumerate(packed.items):
        if live.available[item] and item not in hidden:
            yield place
            left -= 1
            if not left:
                return


@lru_cache(4)
def _encoded_sources(sources: tuple[str, ...]) -> list[bytes]:
    """What follows an item's score, by position of its source."""
    return [b',"source":' + msgspec.json.encode(name) for name in sources]


def _piece(record: ItemRecord, fields: tuple[ItemField, ...]) -> _Piece:
    said = {name: getattr(record, name) for name in fields}
    whole = msgspec.json.encode(RecommendedItem(item_id=record.item_id, score=0.5, source="", **said))
    before, _, after = whole.partition(_NO_SCORE)
    return record, before + b'"score":', after
