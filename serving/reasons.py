"""Why an item stands in an answer: what was stored about it, or what the answer itself was made of."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from recommender.errors import SnapshotUnreadable
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import KINDS, Reasons
from recommender.snapshot.encoding import decode_evidence, entry_key

from .live_snapshot import LiveSnapshot
from .question import Question
from .schemas import Reason, RungName

logger = logging.getLogger(__name__)


def reason_keys(asked: Question) -> tuple[str, ...]:
    """The stored entries that reasons are read from, if any are asked for."""
    if "reason" not in asked.fields:
        return ()
    return (*_own_keys(asked), *(_evidence_key(item_id) for item_id in _pages_items(asked)))


def _own_keys(asked: Question) -> tuple[str, ...]:
    return () if asked.customer_id is None else (entry_key("reasons", asked.customer_id),)


def _pages_items(asked: Question) -> tuple[str, ...]:
    """Ids of the items whose lists of what is bought together may be shown."""
    return () if asked.call == "similar" else asked.items


def _evidence_key(item_id: str) -> str:
    return entry_key("evidence", item_id)


@dataclass(frozen=True, slots=True)
class Explainer:
    """Says why items stand in one answer.

    Attributes:
        asked: the question.
        rung: where the answer comes from.
        lists: the stored lists that were read for it, by key.
        own: reasons of the customer's own list, in its order; None where there are none.
        evidence: what speaks for the places of lists of what is bought together, by key of the evidence.
        live: the snapshot.
    """

    asked: Question
    rung: RungName
    lists: Mapping[str, RecommendationList]
    own: Reasons | None
    evidence: Mapping[str, Evidence]
    live: LiveSnapshot

    @classmethod
    def of(
        cls,
        asked: Question,
        rung: RungName,
        lists: Mapping[str, RecommendationList],
        rows: Mapping[str, bytes],
        live: LiveSnapshot,
    ) -> "Explainer":
        """Read what is stored; what is damaged is put aside, since a list is good without reasons.

        Args:
            asked: see above, as `rung`, `lists` and `live`.
            rung: see above.
            lists: see above.
            rows: entries that were read, as they are stored, by key.
            live: see above.
        """
        own, evidence = None, {}
        for key in reason_keys(asked):
            if key not in rows:
                continue
            try:
                if key in _own_keys(asked):
                    own = live.read_reasons(rows[key])
                else:
                    evidence[key] = decode_evidence(rows[key])
            except SnapshotUnreadable as error:
                logger.warning("%s is put aside: %s", key, error)
        return cls(asked, rung, lists, own, evidence, live)

    def reason(self, item: int) -> Reason | None:
        """Why the item of this position is shown; None where nothing can be said."""
        match self.rung:
            case "personal":
                return self._of_own_list(item)
            case "similar":
                anchor = self._strongest(item, "similar")
                return None if anchor is None else Reason(kind="similar_to", item_id=anchor)
            case "co_purchase":
                return self._bought_with(item) or self._of_own_list(item)
            case _:
                return self._of_best_sellers(item)

    def _of_own_list(self, item: int) -> Reason | None:
        own = self.lists.get(entry_key("customer", self.asked.customer_id or ""))
        place = _place_of(item, own, self.own)
        if place is None or self.own is None:
            return None
        kind, value = KINDS[self.own.kinds[place]], int(self.own.values[place])
        match kind:
            case "bought_again":
                return Reason(kind=kind, every_days=value)
            case "bought_before":
                return Reason(kind=kind, times=value)
            case "because_you_bought":
                return Reason(kind=kind, item_id=self.live.items[value].item_id)
            case "popular_in_category":
                return self._popular_in_category(item)
            case "popular":
                return Reason(kind=kind)
            case _:
                return None

    def _strongest(self, item: int, entry: Literal["similar", "bought-together"]) -> str | None:
        """Id of the item asked about whose stored list holds this one with the highest score."""
        strengths = [(self._score(entry_key(entry, item_id), item), item_id) for item_id in self.asked.items]
        strongest, item_id = max(strengths, key=lambda found: found[0], default=(0.0, ""))
        return item_id if strongest > 0 else None

    def _score(self, key: str, item: int) -> float:
        if key not in self.lists:
            return 0.0
        ranked = self.lists[key]
        # What only its text puts beside the item nobody has bought with it yet.
        only_told = np.array([name == "content" for name in self.live.manifest.sources])[ranked.sources]
        return float(ranked.scores[(ranked.items == item) & ~only_told].max(initial=0))

    def _bought_with(self, item: int) -> Reason | None:
        anchor = self._strongest(item, "bought-together")
        if anchor is None:
            return None
        evidence = self.evidence.get(_evidence_key(anchor))
        place = _place_of(item, self.lists[entry_key("bought-together", anchor)], evidence)
        if place is None or evidence is None:
            return Reason(kind="bought_with", item_id=anchor)
        return Reason(
            kind="bought_with",
            item_id=anchor,
            orders=int(evidence.orders[place]),
            lift=_shown(evidence.lift[place]),
            lift_at_least=_shown(evidence.lift_low[place]),
        )

    def _of_best_sellers(self, item: int) -> Reason | None:
        place = self.asked.place
        if place is not None and self._holds(self.lists.get(entry_key("place", place)), item):
            return Reason(kind="popular_in_place", place=place)
        category = self.live.items[item].category
        if category and self._holds(self.live.best_sellers.get(category), item):
            return self._popular_in_category(item)
        return Reason(kind="popular") if self._holds(self.live.best_sellers[""], item) else None

    @staticmethod
    def _holds(ranked: RecommendationList | None, item: int) -> bool:
        return ranked is not None and item in ranked.items

    def _popular_in_category(self, item: int) -> Reason | None:
        category = self.live.items[item].category
        return None if category is None else Reason(kind="popular_in_category", category=category)


def _place_of(item: int, ranked: RecommendationList | None, beside: Reasons | Evidence | None) -> int | None:
    """Where an item stands in a list; None where it does not, or where what stands beside is of another."""
    if ranked is None or beside is None or len(ranked) != len(beside):
        return None
    places = ranked.items.tolist()
    return places.index(item) if item in places else None


def _shown(lift: float) -> float:
    return float(f"{lift:.3g}")
