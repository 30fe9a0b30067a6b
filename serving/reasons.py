"""Why an item stands in an answer: what was stored about it, or what the answer itself was made of."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.errors import SnapshotUnreadable
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import KINDS, POPULAR_PLACES, Reasons
from recommender.snapshot.encoding import entry_key
from recommender.snapshot.rows import decode_evidence

from .live_snapshot import LiveSnapshot
from .log_format import nameless
from .question import Question
from .reason_schemas import Reason
from .schemas import SourceName

logger = logging.getLogger(__name__)


def reason_keys(asked: Question) -> tuple[str, ...]:
    """The stored entries that only reasons are read from, if any are asked for."""
    if "reason" not in asked.fields:
        return ()
    own = () if asked.customer_id is None else (entry_key("reasons", asked.customer_id),)
    return (*own, *(entry_key("evidence", item_id) for item_id in asked.items))


@dataclass(frozen=True, slots=True)
class Explainer:
    """Says why items stand in one answer.

    Attributes:
        asked: the question.
        rung: where the answer comes from.
        lists: the stored lists that were read for it, by key.
        live: the snapshot.
        own: reasons of the customer's own list; None where there are none that can be read.
        own_places: where an item stands in that list, by its position.
        anchors: the item asked about that speaks for an item shown, by the position of the latter.
        viewed: the same of the items just looked at, by what is like them.
        viewed_together: the same, by what is bought together with them.
        evidence: what speaks for the places of these lists, by key of the evidence.
        damaged: whether something stored could not be read.
    """

    asked: Question
    rung: SourceName
    lists: Mapping[str, RecommendationList]
    live: LiveSnapshot
    own: Reasons | None
    own_places: Mapping[int, int]
    anchors: Mapping[int, "_Anchor"]
    viewed: Mapping[int, "_Anchor"]
    viewed_together: Mapping[int, "_Anchor"]
    evidence: Mapping[str, Evidence]
    damaged: bool

    @classmethod
    def of(
        cls,
        asked: Question,
        rung: SourceName,
        lists: Mapping[str, RecommendationList],
        rows: Mapping[str, bytes],
        live: LiveSnapshot,
    ) -> "Explainer":
        """Read what is stored; what is damaged is put aside, since a list is good without reasons.

        Args:
            asked: see above, as `rung`, `lists` and `live`.
            rung: see above.
            lists: see above.
            rows: the entries of `reason_keys` that were read, as they are stored, by key.
            live: see above.
        """
        own, evidence, damaged = None, {}, False
        for key, row in rows.items():
            try:
                if key.startswith("evidence:"):
                    evidence[key] = decode_evidence(row)
                else:
                    own = live.read_reasons(row)
            except SnapshotUnreadable as error:
                damaged = True
                logger.warning("%s is put aside: %s", nameless(key), error)
        wanted = "reason" in asked.fields
        anchors = asked.items if wanted else ()
        viewed = asked.recent if wanted and rung == "session" else ()
        own_list = lists.get(entry_key("customer", asked.customer_id or ""))
        if own is not None and own_list is not None and len(own) != len(own_list):
            own, damaged = None, True
            logger.warning("reasons of another list than a customer has are put aside")
        return cls(
            asked=asked,
            rung=rung,
            lists=lists,
            live=live,
            own=own,
            own_places={} if own_list is None or own is None else _places(own_list),
            anchors=_strongest(anchors, "similar" if rung == "similar" else "bought-together", lists, live),
            viewed=_strongest(viewed, "similar", lists, live),
            viewed_together=_strongest(viewed, "bought-together", lists, live),
            evidence=evidence,
            damaged=damaged,
        )

    def reason(self, item: int) -> Reason | None:
        """Why the item of this position is shown; None where nothing can be said."""
        match self.rung:
            case "personal":
                return self._of_own_list(item)
            case "due":
                return self._of_own_list(item) or Reason(kind="bought_before")
            case "similar":
                return self._similar_to(self.anchors.get(item))
            case "co_purchase" | "session":
                return (
                    self._similar_to(self.viewed.get(item))
                    or self._bought_with(self.anchors.get(item))
                    or self._bought_with(self.viewed_together.get(item))
                    or self._of_own_list(item)
                    or self._of_past_orders(item)
                )
            case _:
                return self._of_best_sellers(item)

    def _of_own_list(self, item: int) -> Reason | None:
        if self.own is None or item not in self.own_places:
            return None
        place = self.own_places[item]
        kind, value = KINDS[self.own.kinds[place]], int(self.own.values[place])
        match kind:
            case "bought_again":
                return Reason(kind=kind, every_days=value)
            case "bought_before":
                return Reason(kind=kind, times=value)
            case "because_you_bought":
                return Reason(kind=kind, **self._named(self.live.items[value].item_id))
            case "popular_in_category":
                return self._popular_in_category(item)
            case "popular":
                return Reason(kind=kind)
            case _:
                return None

    def _similar_to(self, anchor: "_Anchor | None") -> Reason | None:
        return None if anchor is None else Reason(kind="similar_to", **self._named(anchor.item_id))

    def _bought_with(self, anchor: "_Anchor | None") -> Reason | None:
        if anchor is None:
            return None
        evidence = self.evidence.get(entry_key("evidence", anchor.item_id))
        if evidence is None or len(evidence) != anchor.length:
            return Reason(kind="bought_with", **self._named(anchor.item_id))
        return Reason(
            kind="bought_with",
            **self._named(anchor.item_id),
            orders=int(evidence.orders[anchor.place]),
            lift=_shown(evidence.lift[anchor.place]),
            lift_at_least=_shown(evidence.lift_low[anchor.place]),
        )

    def _named(self, item_id: str) -> dict[str, Any]:
        """How a reason names an item: by its title too, where titles are asked for."""
        if "title" not in self.asked.fields:
            return {"item_id": item_id}
        return {"item_id": item_id, "title": self.live.items[self.live.vocabulary.position(item_id)].title}

    def _of_past_orders(self, item: int) -> Reason | None:
        orders = self.lists.get(entry_key("orders", self.asked.customer_id or ""))
        # How often is not known: only the newest purchases stand there.
        return Reason(kind="bought_before") if orders is not None and item in orders.items else None

    def _of_best_sellers(self, item: int) -> Reason | None:
        place, category = self.asked.place, self.live.items[item].category
        if place is not None and self._is_popular_in(place, item):
            return Reason(kind="popular_in_place", place=place)
        if category and _is_popular(item, self.live.best_sellers.get(category)):
            return self._popular_in_category(item)
        return Reason(kind="popular") if _is_popular(item, self.live.best_sellers[""]) else None

    def _is_popular_in(self, place: str, item: int) -> bool:
        local = self.lists.get(entry_key("place", place))
        if local is None or not _is_popular(item, local):
            return False
        # What sells in the whole shop stands in the list of a place as well, even if nobody buys it there.
        source = int(local.sources[local.items == item][0])
        return self.live.manifest.sources[source] == "local_best_sellers"

    def _popular_in_category(self, item: int) -> Reason | None:
        category = self.live.items[item].category
        return None if category is None else Reason(kind="popular_in_category", category=category)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """An item asked about, and where another stands in its list.

    Attributes:
        item_id: of the item asked about.
        place: of the other in the list.
        length: of the list.
        score: of that place.
    """

    item_id: str
    place: int
    length: int
    score: float


def _strongest(
    item_ids: Sequence[str], entry: str, lists: Mapping[str, RecommendationList], live: LiveSnapshot
) -> dict[int, _Anchor]:
    """For each item of the stored lists of these items, the one of them whose list scores it highest."""
    # What only its text puts beside an item nobody has bought with it yet.
    only_told = np.array([name == "content" for name in live.manifest.sources])
    strongest: dict[int, _Anchor] = {}
    for item_id in item_ids:
        ranked = lists.get(entry_key(entry, item_id))
        if ranked is None:
            continue
        told = np.flatnonzero(~only_told[ranked.sources] & (ranked.scores > 0))
        for place, item, score in zip(
            told.tolist(), ranked.items[told].tolist(), ranked.scores[told].tolist(), strict=True
        ):
            if item not in strongest or score > strongest[item].score:
                strongest[item] = _Anchor(item_id, place, len(ranked), score)
    return strongest


def _places(ranked: RecommendationList) -> dict[int, int]:
    return {item: place for place, item in enumerate(ranked.items.tolist())}


def _is_popular(item: int, ranked: RecommendationList | None) -> bool:
    return ranked is not None and item in ranked.items[:POPULAR_PLACES]


def _shown(lift: float) -> float:
    return float(f"{lift:.3g}")
