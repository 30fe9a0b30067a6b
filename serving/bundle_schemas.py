"""Bundles on the wire; see `schemas`."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .schemas import ListQuery, SourceName, Strict, must_be


class BundleQuery(ListQuery, frozen=True, kw_only=True):
    """Bundles; items that are not to be answered are in none of them."""

    fields: Annotated[
        tuple[Literal["title", "category", "brand", "price", "stock", "url", "image_url"], ...],
        must_be(
            "any of title, category, brand, price, stock, url, image_url",
            "What to say about each item beside its id; null where the shop said nothing.",
        ),
    ] = ()


class BundlesQuery(BundleQuery, frozen=True, kw_only=True):
    """Bundles of somebody or something."""

    strict: Strict = False


class BundlePart(Struct, frozen=True, kw_only=True):
    """An item of a bundle."""

    item_id: str
    owned: Annotated[
        bool | UnsetType, Meta(description="Whether the customer bought it before, of a personal bundle.")
    ] = UNSET
    due: Annotated[
        bool | UnsetType, Meta(description="Whether they are likely to buy it again now, likewise.")
    ] = UNSET
    title: str | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET
    brand: str | UnsetType | None = UNSET
    price: float | UnsetType | None = UNSET
    stock: int | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    image_url: str | UnsetType | None = UNSET


class BundleEvidence(Struct, frozen=True, kw_only=True):
    """Why these items are one offer."""

    orders: Annotated[int, Meta(description="That held the whole bundle.")]
    customers: Annotated[int, Meta(description="Different buyers of the whole bundle in one order.")]
    lift: Annotated[
        float,
        Meta(
            description="Orders ÷ what chance would give in orders of their sizes, given all parts but one."
        ),
    ]
    lift_low: Annotated[float, Meta(description="Lower end of its 95 % interval, each customer seen once.")]
    completed: Annotated[
        float,
        Meta(description="Share of the customers with a part, and not all, that buy the rest in 28 days."),
    ]


class Bundle(Struct, frozen=True, kw_only=True):
    """Two to four items as one offer."""

    items: tuple[BundlePart, ...]
    price: Annotated[
        float | None, Meta(description="Sum of the prices as they are now; null if one is not known.")
    ]
    discount_percent: Annotated[int, Meta(description="Suggested, inside the limits of [discounts].")]
    offer_price: Annotated[float | None, Meta(description="The price less the discount.")]
    evidence: BundleEvidence


class Offers(Struct, frozen=True, kw_only=True):
    """Bundles, and how the answer came about."""

    recommendation_id: Annotated[
        str, Meta(description="Names this answer; send it along with events about the items shown.")
    ]
    bundles: Annotated[tuple[Bundle, ...], Meta(description="Best first; never padded, none twice.")]
    source: Annotated[
        SourceName,
        Meta(
            description="`personal` where they are built around what the customer has or is due for, "
            "`co_purchase` where orders of the whole shop speak for them; `nothing` where an experiment "
            "holds recommendations back."
        ),
    ]
    snapshot: Annotated[str, Meta(description="Id of the snapshot.")]
    generated_at: Annotated[str, Meta(description="When that snapshot was trained, RFC 3339.")]
    stale: Annotated[bool, Meta(description="Redis did not answer: what is known from before was answered.")]
    degraded: Annotated[
        bool, Meta(description="The customer's bundles could not be read: the shop's were answered.")
    ]
    placement: Annotated[str | UnsetType, Meta(description="The label given in the request.")] = UNSET
    experiment: Annotated[str | UnsetType, Meta(description="Which experiment it is part of.")] = UNSET
    variant: Annotated[str | UnsetType, Meta(description="Which variant of that.")] = UNSET
