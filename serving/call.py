"""What there is to say of a call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from .keys import Scope
from .question import CallName
from .reason_schemas import Reason
from .schemas import ListQuery, Recommendations, RecommendedItem

EXAMPLE_ANSWER = Recommendations(
    recommendation_id="L2wdC45aSXw9HwpiAQIBMjAyNjExMjFUMDQwMDAwWi05ZjNhYjI3YwBob21lAADEqQ",
    items=(
        RecommendedItem(
            item_id="1002",
            score=0.8312,
            source="buy_again",
            title="Green tea",
            price=3.5,
            reason=Reason(kind="bought_again", every_days=31),
        ),
        RecommendedItem(
            item_id="1007",
            score=0.6204,
            source="item_knn",
            title="Honey jar",
            price=6.0,
            reason=Reason(kind="because_you_bought", item_id="1002"),
        ),
    ),
    source="personal",
    snapshot="20261121T040000Z-9f3ab27c",
    generated_at="2026-11-21T04:00:00Z",
    stale=False,
    degraded=False,
    placement="home",
)
"""What a list looks like, for the docs."""


@dataclass(frozen=True, slots=True)
class Call:
    """One way to call the service.

    Attributes:
        name: what OpenAPI calls it.
        path: its path; `{…}` stands for an id that may hold anything, slashes included.
        asked: its query parameters where it is a GET, else its body.
        answer: what it answers.
        example_answer: an example of that.
        scope: what a key needs for it.
        summary: one line for the docs.
        description: what to know before using it.
        method: HTTP method.
        example: an example of `asked`.
    """

    name: str
    path: str
    asked: type[Struct]
    summary: str
    description: str
    answer: type[Struct]
    example_answer: Struct
    scope: Scope
    method: str = "GET"
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str | None:
        """Name of the id in the path, if it has one."""
        return self.path.partition("{")[2].partition("}")[0] or None


@dataclass(frozen=True, slots=True)
class ListCall(Call):
    """One way to ask for a list; `name` is what the ladder calls it."""

    name: CallName
    asked: type[ListQuery]
    answer: type[Struct] = Recommendations
    example_answer: Struct = EXAMPLE_ANSWER
    scope: Scope = "read"
