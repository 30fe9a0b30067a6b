"""The calls, one entry each: routes, OpenAPI and the docs page are made from it."""

from .bundle_calls import BUNDLE_CALLS
from .call import Call, ListCall
from .event_schemas import EventOutcome, EventsAnswer, EventsRequest
from .item_schemas import ItemAnswer, ItemRequest
from .privacy_schemas import (
    ConsentAnswer,
    ConsentRequest,
    CustomerData,
    DataQuery,
    ErasureQuery,
    ErasureReceipt,
    Removed,
)
from .schemas import (
    BestSellersQuery,
    BuyAgainQuery,
    CartRequest,
    CustomerQuery,
    ItemQuery,
    RecommendationsRequest,
)

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
        name="buy_again",
        path="/v1/customers/{customer_id}/buy-again",
        asked=BuyAgainQuery,
        summary="What a customer needs again, and when",
        description="Items that the customer is likely to buy again, the likeliest first, each with "
        "`probability`, `due_on` and `due_between`. Where nothing of that is known, what they bought before "
        "and may buy again, without dates; of an unknown customer nothing.",
        example={"n": 5, "within": 14, "fields": ["title"]},
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

_ITEM = ItemAnswer(item_id="1001", stock=0, price=3.25, visible=None, known=True)

WRITE_CALLS = (
    Call(
        name="events",
        path="/v1/events",
        asked=EventsRequest,
        method="POST",
        summary="What customers did",
        description="1 to 500 events. What is `accepted` is on disk, and an `event_id` counts once however "
        "often it is sent, so send again whatever you had no answer to. A purchase, and an item that is "
        "dismissed, change the customer's lists from the next request on: what was just bought is not shown "
        "again before the next training, which knows when it may be due; what was dismissed is not shown for "
        "90 days. A key for pages cannot report purchases.",
        scope="events",
        answer=EventsAnswer,
        example_answer=EventsAnswer(
            events=(
                EventOutcome(event_id="order-7731-1", status="accepted"),
                EventOutcome(event_id="order-7731-2", status="duplicate"),
            )
        ),
        example={
            "events": [
                {
                    "event_id": "order-7731-1",
                    "type": "purchase",
                    "customer_id": "17850",
                    "item_id": "1001",
                    "at": "2026-11-21T09:30:00Z",
                    "quantity": 2,
                    "price": 3.5,
                }
            ]
        },
    ),
    Call(
        name="put_item",
        path="/v1/items/{item_id}",
        asked=ItemRequest,
        method="PUT",
        summary="Say all there is to say of an item",
        description="Stock, price and visibility, until the shop says otherwise; what is not named is as the "
        "snapshot has it, so an empty object takes everything back. Every request that begins after the "
        "answer knows, in every worker. What is said stays when a new snapshot is published.",
        scope="admin",
        answer=ItemAnswer,
        example_answer=_ITEM,
        example={"stock": 0, "price": 3.25},
    ),
    Call(
        name="patch_item",
        path="/v1/items/{item_id}",
        asked=ItemRequest,
        method="PATCH",
        summary="Change what is said of an item",
        description="As PUT, but what is not named stays as it was said before; null takes it back.",
        scope="admin",
        answer=ItemAnswer,
        example_answer=_ITEM,
        example={"stock": 0},
    ),
)
"""The calls that change something. They need a key."""

_CONSENT = ConsentAnswer(
    customer_id="17850",
    personalisation=False,
    standing="opted_out",
    since="2026-11-21T09:30:00Z",
    shared=True,
)

PRIVACY_CALLS = (
    Call(
        name="put_consent",
        path="/v1/customers/{customer_id}/consent",
        asked=ConsentRequest,
        method="PUT",
        summary="Whether a customer is shown anything personal",
        description="With false, every request that begins after the answer is answered as for a customer "
        "of whom nothing is known, in every worker; what is looked at in the session is passed over, a cart "
        "and a place count still. Events that name the customer are rejected, and the next training leaves "
        "them out. "
        "With true all of that ends; of an erased customer a new history begins.",
        scope="admin",
        answer=ConsentAnswer,
        example_answer=_CONSENT,
        example={"personalisation": False},
    ),
    Call(
        name="customer_data",
        path="/v1/customers/{customer_id}/data",
        asked=DataQuery,
        summary="Everything that is kept of a customer",
        description="The lists in all snapshots that Redis holds, notes, consent and events. Events come in "
        "parts: ask with `next_cursor` until it is null.",
        scope="export",
        answer=CustomerData,
        example_answer=CustomerData(
            customer_id="17850", consent=_CONSENT, lists=(), notes=(), events=(), next_cursor=None
        ),
    ),
    Call(
        name="erase_customer",
        path="/v1/customers/{customer_id}",
        asked=ErasureQuery,
        method="DELETE",
        summary="Remove everything that is kept of a customer",
        description="From all snapshots in Redis, the notes, the events, and within a second from what "
        "workers remember. The receipt says what was removed, and where else the customer may stand. Nothing "
        "personal is shown or kept of them any more, and the next training leaves them out. Asked again it "
        "removes what came back, usually nothing.",
        scope="admin",
        answer=ErasureReceipt,
        example_answer=ErasureReceipt(
            receipt_id="6a1f0c2be5d94e7788aa01b2",
            at="2026-11-21T09:30:00Z",
            removed=(Removed("events", 12), Removed("redis:20261121T040000Z-9f3ab27c", 3)),
            remaining=("Backups.",),
        ),
    ),
)
"""What customers may ask about themselves."""

CALLS: tuple[Call, ...] = (*LIST_CALLS, *BUNDLE_CALLS, *WRITE_CALLS, *PRIVACY_CALLS)
