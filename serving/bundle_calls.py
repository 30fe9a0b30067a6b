"""The calls for bundles, an entry each; see `calls`."""

from .bundle_schemas import Bundle, BundleEvidence, BundlePart, BundleQuery, BundlesQuery, Offers
from .call import ListCall

EXAMPLE_OFFERS = Offers(
    recommendation_id="L2wdC45aSXw9HwpiAQgBMjAyNjExMjFUMDQwMDAwWi05ZjNhYjI3YwBob21lAADm8Q",
    bundles=(
        Bundle(
            items=(
                BundlePart(item_id="1002", owned=True, due=True, title="Green tea", price=3.5),
                BundlePart(item_id="1007", owned=False, due=False, title="Honey jar", price=6.0),
            ),
            price=9.5,
            discount_percent=8,
            offer_price=8.74,
            evidence=BundleEvidence(orders=92, customers=73, lift=13.2, lift_low=10.4, completed=0.088),
        ),
    ),
    source="personal",
    snapshot="20261121T040000Z-9f3ab27c",
    generated_at="2026-11-21T04:00:00Z",
    stale=False,
    degraded=False,
    placement="home",
)

BUNDLE_CALLS = (
    ListCall(
        name="customer_bundles",
        path="/v1/customers/{customer_id}/bundles",
        asked=BundlesQuery,
        answer=Offers,
        example_answer=EXAMPLE_OFFERS,
        summary="Bundles for a customer",
        description="Bundles of which the customer has a part, or is due to buy one again, and lacks "
        "another, which they may want next; `owned` and `due` say which. An unknown customer is answered "
        "with the shop's. A bundle is answered only where all its items may be shown, and `price` is of now.",
        example={"n": 3, "fields": ["title", "price"]},
    ),
    ListCall(
        name="item_bundles",
        path="/v1/items/{item_id}/bundles",
        asked=BundlesQuery,
        answer=Offers,
        example_answer=EXAMPLE_OFFERS,
        summary="Bundles with an item",
        description="Two to four items, this one among them, that more customers bought together than chance "
        "would have it; of an item without any, none.",
        example={"n": 3, "fields": ["title", "price"]},
    ),
    ListCall(
        name="bundles",
        path="/v1/bundles",
        asked=BundleQuery,
        answer=Offers,
        example_answer=EXAMPLE_OFFERS,
        summary="Bundles of the shop",
        description="Those whose parts most often lead to the rest, no item in more than two of them.",
        example={"n": 3, "fields": ["title", "price"]},
    ),
)
