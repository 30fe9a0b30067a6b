"""The calls that answer a list, one entry each: routes, OpenAPI and the docs page are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .question import CallName
from .schemas import (
    BestSellersQuery,
    CartRequest,
    CustomerQuery,
    ItemQuery,
    ListQuery,
    Reason,
    Recommendations,
    RecommendationsRequest,
    RecommendedItem,
)


@dataclass(frozen=True, slots=True)
class ListCall:
    """One way to ask for a list.

    Attributes:
        name: what the ladder and OpenAPI call it.
        path: its path; `{…}` stands for an id that may hold anything, slashes included.
        asked: its query parameters, or its body where it is a POST.
        summary: one line for the docs.
        description: what to know before using it.
        method: HTTP method.
        example: an example of `asked`.
    """

    name: CallName
    path: str
    asked: type[ListQuery]
    summary: str
    description: str
    method: str = "GET"
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str | None:
        """Name of the id in the path, if it has one."""
        return self.path.partition("{")[2].partition("}")[0] or None


LIST_CALLS = (
    ListCall(
        name="customer",
        path="/v1/customers/{customer_id}/recommendations",
        asked=CustomerQuery,
        summary="What to show a customer",
        description="The customer's own list. An unknown customer is no error: best sellers are answered, "
        "of the category if one is asked, else of the place, and `source` says so.",
        example={"n": 5, "mode": "discover", "fields": ["title", "price"]},
    ),
    ListCall(
        name="similar",
        path="/v1/items/{item_id}/similar",
        asked=ItemQuery,
        summary="What is like an item",
        description="What the same customers buy, in whatever orders. Without such a list: what is bought "
        "together with the item, then best sellers of its category.",
        example={"n": 5, "fields": ["title"]},
    ),
    ListCall(
        name="bought_together",
        path="/v1/items/{item_id}/bought-together",
        asked=ItemQuery,
        summary="What is bought together with an item",
        description="Items that share baskets with it more often than chance. Without such a list: similar "
        "items, then best sellers of its category.",
        example={"n": 5, "fields": ["title"]},
    ),
    ListCall(
        name="cart",
        path="/v1/cart/recommendations",
        asked=CartRequest,
        method="POST",
        summary="What to add to a cart",
        description="The bought-together lists of the cart's items, merged by the sum of their scores; the "
        "cart's own items never come back. With a known customer, the customer's own list and "
        "what they put together in their last orders are added, and `mode` applies. A guest's cart of "
        "which no item has such a list, as with new items, is answered with items similar to them, then with "
        "best sellers.",
        example={"cart": ["1001", "1002"], "customer_id": "17850", "n": 4, "fields": ["title", "price"]},
    ),
    ListCall(
        name="recommendations",
        path="/v1/recommendations",
        asked=RecommendationsRequest,
        method="POST",
        summary="What to show, by everything that is known",
        description="The full form, all of it optional. The list is made of what is given: of the items just "
        "looked at, the cart and the customer's own list together; without such items of the cart and the "
        "customer, as by `/v1/cart/recommendations`; of the customer alone; else best sellers. `strict` "
        "answers only from the first of these that is given.",
        example={
            "customer_id": "17850",
            "recent": ["1003", "1002"],
            "cart": ["1001"],
            "filter": "item.price < 20",
            "boost": 'item.category == "tea" ? 1.5 : 1.0',
            "n": 4,
            "fields": ["title", "price"],
        },
    ),
    ListCall(
        name="best_sellers",
        path="/v1/best-sellers",
        asked=BestSellersQuery,
        summary="What sells best",
        description="Best sellers of the shop, of a place or of one category, recent sales counting more; "
        "with both a category and a place, those of the category.",
        example={"n": 5},
    ),
)

EXAMPLE_ANSWER = Recommendations(
    recommendation_id="2f6c1d0b8e5a497c3d1f0a62",
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
