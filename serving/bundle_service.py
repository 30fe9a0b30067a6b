"""Answers what to offer as bundles, without a word of HTTP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from recommender.campaigns.bundle_table import LARGEST
from recommender.errors import SnapshotUnreadable
from recommender.snapshot.bundle_rows import decode_own

from .basis import Basis
from .bundle_schemas import Bundle, BundleEvidence, BundlePart, Offers
from .hiding import may_be_shown
from .ladder import NOTHING_SHOWN, OWN_BUNDLES, Rung
from .live_snapshot import LiveSnapshot
from .question import Question
from .rendering import rounded
from .schemas import SourceName
from .service import RecommendationService


@dataclass(frozen=True, slots=True)
class Offered:
    """An answer; attributes as of `Answered`."""

    recommendations: Offers
    sound: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A bundle that may be answered, and bits for the places of what its customer has and is due for."""

    bundle: int
    owned: int | None = None
    due: int | None = None


class BundleService:
    """What can be said of bundles.

    An item is answered with the bundles that it is part of, a customer with those around what they have or
    are due for, everybody else with the shop's best that are not all of the same items.
    """

    def __init__(self, service: RecommendationService) -> None:
        self._service = service

    def answer(self, asked: Question) -> Offered:
        """The best bundles for this question.

        Raises:
            SnapshotMissing: no snapshot was ever seen.
            UnknownItem: a strict question about an item that the snapshot does not know.
        """
        basis = self._service.read(asked)
        source, found, degraded = _first_found(basis)
        said = basis.said(source, stale=basis.reading.stale, degraded=degraded, uncertain=degraded)
        offers = Offers(bundles=tuple(_rendered(one, basis) for one in found), **said)
        return Offered(offers, not (basis.reading.stale or degraded))

    def tag(self, asked: Question) -> str:
        """See `RecommendationService.tag`."""
        return self._service.tag(asked)


def _first_found(basis: Basis) -> tuple[SourceName, list[_Candidate], bool]:
    """The first rung with something to show: its name, what it has, and whether something was unreadable."""
    asked, degraded = basis.asked, not basis.of_named_snapshot
    for rung in basis.ladder:
        try:
            candidates = _candidates(rung, basis)
        except SnapshotUnreadable:
            candidates, degraded = [], True
        degraded |= not basis.reading.unread.isdisjoint(rung.keys(asked))
        if found := _shown(candidates, basis):
            break
    return rung.name, found[asked.offset : asked.offset + asked.n], degraded


def _candidates(rung: Rung, basis: Basis) -> Iterable[_Candidate]:
    live, asked = basis.live, basis.asked
    if rung is NOTHING_SHOWN:
        return []
    if rung is OWN_BUNDLES:
        rows = (basis.reading.rows[key] for key in rung.keys(asked) if key in basis.reading.rows)
        return [one for row in rows for one in _own(row, live)]
    if asked.items:
        known = live.vocabulary.position(asked.items[0])
        return [_Candidate(one) for one in live.bundles.of_items.of(known).tolist()] if known >= 0 else []
    return [_Candidate(one) for one in live.bundles.different.tolist()]


def _own(row: bytes, live: LiveSnapshot) -> Iterator[_Candidate]:
    for bundle, parts in decode_own(row, len(live.bundles.table)).tolist():
        yield _Candidate(bundle, parts & (1 << LARGEST) - 1, parts >> LARGEST)


def _shown(candidates: Iterable[_Candidate], basis: Basis) -> list[_Candidate]:
    """Those all items of which may be shown."""
    candidates, live = list(candidates), basis.live
    # The page's item is part of its bundles.
    asked = msgspec.structs.replace(basis.asked, items=())
    parts = [live.bundles.parts(one.bundle) for one in candidates]
    items = np.array([item for some in parts for item in some], np.int32)
    hidden = set(items[~may_be_shown(items, asked, {}, live)].tolist())
    return [one for one, some in zip(candidates, parts, strict=True) if hidden.isdisjoint(some)]


def _rendered(candidate: _Candidate, basis: Basis) -> Bundle:
    live, table, number = basis.live, basis.live.bundles.table, candidate.bundle
    parts = live.bundles.parts(number)
    prices = [live.items[item].price for item in parts]
    known = [price for price in prices if price is not None]
    price = round(sum(known), 2) if len(known) == len(prices) else None
    discount = int(table.discount[number])
    return Bundle(
        items=tuple(_part(place, item, candidate, basis) for place, item in enumerate(parts)),
        price=price,
        discount_percent=discount,
        offer_price=None if price is None else round(price * (100 - discount) / 100, 2),
        evidence=BundleEvidence(
            orders=int(table.orders[number]),
            customers=int(table.customers[number]),
            lift=rounded(table.lift[number]),
            lift_low=rounded(table.lift_low[number]),
            completed=rounded(table.chance[number]),
        ),
    )


def _part(place: int, item: int, candidate: _Candidate, basis: Basis) -> BundlePart:
    record = basis.live.items[item]
    said: dict[str, Any] = {name: getattr(record, name) for name in basis.asked.fields}
    if candidate.owned is not None and candidate.due is not None:
        said |= {"owned": bool(candidate.owned >> place & 1), "due": bool(candidate.due >> place & 1)}
    return BundlePart(item_id=record.item_id, **said)
