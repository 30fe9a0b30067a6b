"""The commonest answers: the first places of one stored list, without taking the whole of it apart.

What comes out is what `RecommendationService.made_of` says, in a fraction of its time.
Whatever asks for more than that list's own order, or finds anything out of the ordinary, is left to it.
"""

from collections.abc import Iterator

from recommender.errors import SnapshotUnreadable
from recommender.snapshot.rows import PackedList

from .basis import Basis
from .ladder import BOUGHT_TOGETHER, PERSONAL, SIMILAR
from .live_snapshot import LiveSnapshot
from .question import Question
from .rendering import plain_items
from .schemas import Recommendations


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


def plain_answer(basis: Basis) -> Recommendations | None:
    """The answer to a question that `is_plain`; None where it is left to the service."""
    packed, live, asked = _stored(basis), basis.live, basis.asked
    if packed is None:
        return None
    shown = list(_shown(packed, asked, live))
    if not shown:
        return None
    answered = shown[asked.offset :]
    items, sources = packed.items, packed.sources
    scores = zip(answered, packed.scores(answered), strict=True)
    places = [(items[place], sources[place], score) for place, score in scores]
    return basis.answer(basis.ladder[0].name, plain_items(places, asked, live))


def _stored(basis: Basis) -> PackedList | None:
    """The stored list that the first rung answers from, if it is sound and nothing was in its way."""
    if basis.ladder[0] not in (PERSONAL, SIMILAR, BOUGHT_TOGETHER) or not basis.reading.fresh:
        return None
    if not basis.of_named_snapshot:
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
