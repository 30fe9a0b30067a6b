"""From places of a list to what goes over the wire."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from .hiding import Lists, hidden_by_rule
from .ladder import Tried
from .live_snapshot import LiveSnapshot
from .question import Question
from .reasons import Explainer
from .schemas import Explanation, PlaceExplanation, RecommendedItem, RungTried
from .shaping import Shaped

PIN = "pin"
"""Source of an item that only a pin brought."""


def render(shown: Shaped, asked: Question, explainer: Explainer) -> tuple[RecommendedItem, ...]:
    """The places that were asked for, each with the fields that were asked for."""
    end = min(asked.offset + asked.n, len(shown.ranked))
    return tuple(_render_place(place, shown, asked, explainer) for place in range(asked.offset, end))


def places_of(shown: Shaped, asked: Question) -> Iterable[tuple[int, int, float]]:
    """The places that were asked for, as `plain_items` takes them."""
    ranked, asked_for = shown.ranked, slice(asked.offset, asked.offset + asked.n)
    return zip(
        ranked.items[asked_for].tolist(),
        ranked.sources[asked_for].tolist(),
        ranked.scores[asked_for].tolist(),
        strict=True,
    )


def plain_items(
    places: Iterable[tuple[int, int, float]], asked: Question, live: LiveSnapshot
) -> tuple[RecommendedItem, ...]:
    """Places of a list as `render` has them, where nothing is pinned and neither reasons nor `explain` asked.

    Args:
        places: position of each item, position of its source, and its score.
        asked: says what to say of each.
        live: the snapshot.
    """
    records, sources, fields = live.items, live.manifest.sources, asked.fields
    if not fields:
        return tuple(
            RecommendedItem(item_id=records[item].item_id, score=rounded(score), source=sources[source])
            for item, source, score in places
        )
    return tuple(
        RecommendedItem(
            item_id=record.item_id,
            score=rounded(score),
            source=sources[source],
            **{name: getattr(record, name) for name in fields},
        )
        for record, source, score in ((records[item], source, score) for item, source, score in places)
    )


def explanation(tried: tuple[Tried, ...], asked: Question, lists: Lists, live: LiveSnapshot) -> Explanation:
    """How the list came about."""
    return Explanation(
        rungs=tuple(
            RungTried(
                source=one.rung.name,
                proposed=len(one.proposed),
                hidden=hidden_by_rule(one.proposed.items, asked, lists, live),
            )
            for one in tried
        ),
        filters=asked.filters,
        boosts=asked.boosts,
        diversity=asked.diversity,
    )


def _render_place(place: int, shown: Shaped, asked: Question, explainer: Explainer) -> RecommendedItem:
    live, ranked = explainer.live, shown.ranked
    item = int(ranked.items[place])
    record = live.items[item]
    said: dict[str, Any] = {
        name: explainer.reason(item) if name == "reason" else getattr(record, name) for name in asked.fields
    }
    return RecommendedItem(
        item_id=record.item_id,
        score=rounded(ranked.scores[place]),
        source=PIN if shown.before[place] < 0 else live.manifest.sources[ranked.sources[place]],
        **said,
        explanation=_of_place(place, shown) if asked.explain else UNSET,
    )


def _of_place(place: int, shown: Shaped) -> PlaceExplanation:
    before, boost = int(shown.before[place]), float(shown.boosts[place])
    known = before >= 0
    return PlaceExplanation(
        place=before + 1 if known else None,
        score=rounded(shown.scores_before[place]) if known else None,
        boost=rounded(boost),
        pinned=place < shown.pinned,
    )


def rounded(score: float) -> float:
    """A score as it is answered."""
    # A stored score is a half float or one of 256 steps: more digits would be noise.
    return float(f"{score:.4g}")
