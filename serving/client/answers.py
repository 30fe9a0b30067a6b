"""What the service answers, as values. Fields that a newer service adds are passed over."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an item stands in a list; `kind` says which of the others are there."""

    kind: str
    item_id: str | None = None
    title: str | None = None
    category: str | None = None
    place: str | None = None
    every_days: int | None = None
    times: int | None = None
    orders: int | None = None
    lift: float | None = None
    lift_at_least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendedItem:
    """One place of a list. What was not asked for (`fields`) is None, and so is what the shop did not say."""

    item_id: str
    score: float
    source: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None
    reason: Reason | None = None
    probability: float | None = None
    due_on: str | None = None
    due_between: tuple[str, str] | None = None
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendations:
    """A list, best first, and how it came about; falsy where there is nothing to show.

    Attributes:
        recommendation_id: to be sent with events that come of the list; empty where there is no answer.
        items: never padded, no item twice.
        source: rung of the ladder; `none` where the service did not answer.
        snapshot: what the list was read from.
        generated_at: when that was trained, RFC 3339.
        stale: one remembered from before, because Redis did not answer.
        degraded: a plainer one, because a list could not be read.
        placement: as asked for.
        experiment: that the answer is part of, if it is.
        variant: of that, which the customer has.
        explanation: how it came about, where asked for.
        failed: why there is no answer; None where there is one.
    """

    recommendation_id: str = ""
    items: tuple[RecommendedItem, ...] = ()
    source: str = "none"
    snapshot: str = ""
    generated_at: str = ""
    stale: bool = False
    degraded: bool = False
    placement: str | None = None
    experiment: str | None = None
    variant: str | None = None
    explanation: Mapping[str, Any] | None = None
    failed: str | None = None

    def __bool__(self) -> bool:
        return bool(self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePart:
    """An item of a bundle; `owned` and `due` are None where the bundle is nobody's in particular."""

    item_id: str
    owned: bool | None = None
    due: bool | None = None
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    stock: int | None = None
    url: str | None = None
    image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEvidence:
    """Why these items are one offer, see the service's docs."""

    orders: int
    customers: int
    lift: float
    lift_low: float
    completed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Two to four items as one offer; no price where that of an item is not known."""

    items: tuple[BundlePart, ...]
    price: float | None
    discount_percent: int
    offer_price: float | None
    evidence: BundleEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Bundles, best first; falsy where there are none. Other attributes as of `Recommendations`."""

    recommendation_id: str = ""
    bundles: tuple[Bundle, ...] = ()
    source: str = "none"
    snapshot: str = ""
    generated_at: str = ""
    stale: bool = False
    degraded: bool = False
    placement: str | None = None
    experiment: str | None = None
    variant: str | None = None
    failed: str | None = None

    def __bool__(self) -> bool:
        return bool(self.bundles)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOutcome:
    """What became of one event."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    why: str = ""


def read_recommendations(said: Any) -> Recommendations:
    """A list from what JSON says.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is something else.
    """
    items = tuple(_read_item(item) for item in said["items"])
    return _known(Recommendations, {**said, "items": items})


def read_offers(said: Any) -> Offers:
    """Bundles from what JSON says.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is something else.
    """
    return _known(Offers, {**said, "bundles": tuple(_read_bundle(bundle) for bundle in said["bundles"])})


def read_outcomes(said: Any) -> tuple[EventOutcome, ...]:
    """Outcomes of events from what JSON says.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is something else.
    """
    return tuple(_known(EventOutcome, outcome) for outcome in said["events"])


def _read_item(said: Mapping[str, Any]) -> RecommendedItem:
    reason, between = said.get("reason"), said.get("due_between")
    read = {"reason": _known(Reason, reason) if reason else None, "due_between": between and tuple(between)}
    return _known(RecommendedItem, {**said, **read})


def _read_bundle(said: Mapping[str, Any]) -> Bundle:
    items = tuple(_known(BundlePart, item) for item in said["items"])
    return _known(Bundle, {**said, "items": items, "evidence": _known(BundleEvidence, said["evidence"])})


def _known(kind: type[Value], said: Mapping[str, Any]) -> Value:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in said.items() if name in names})
