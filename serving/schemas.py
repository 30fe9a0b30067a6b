"""What goes over the wire, both ways. The OpenAPI document is generated from these types.

Each field of a request says in `must_be` what is allowed; a refusal quotes it.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MOST_PLACES = 100
"""Most items in one answer."""

MOST_IDS = 500
"""Most ids that one field of a request may list."""

MOST_CART_ITEMS = 100

MOST_ID_BYTES = 256

_ID = f"an id of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL"


def _must_be(requirement: str, description: str, **constraints: Any) -> Meta:
    return Meta(description=description, extra={"must_be": requirement}, **constraints)


Mode = Literal["mixed", "repeat", "discover"]
ItemField = Literal["title", "category", "brand", "price", "url", "image_url", "reason"]
RungName = Literal["personal", "co_purchase", "similar", "best_sellers"]

Id = Annotated[str, Meta(min_length=1, max_length=MOST_ID_BYTES)]

Count = Annotated[
    int,
    _must_be(
        f"a whole number from 1 to {MOST_PLACES}",
        "How many items to answer at most. Fewer come back when fewer are fit to be shown.",
        ge=1,
        le=MOST_PLACES,
    ),
]
Offset = Annotated[
    int,
    _must_be(
        "a whole number from 0 to 10000", "Places to skip, to read a list page by page.", ge=0, le=10_000
    ),
]
Category = Annotated[
    Id | None,
    _must_be(
        f"a category of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL",
        "Answer only items of this category.",
    ),
]
Excluded = Annotated[
    tuple[Id, ...],
    _must_be(
        f"at most {MOST_IDS} item ids, each {_ID}",
        "Item ids that must not be answered. In a query: separated by commas, or the parameter repeated; "
        "a comma inside an id is written `\\,`.",
        max_length=MOST_IDS,
    ),
]
Fields = Annotated[
    tuple[ItemField, ...],
    _must_be(
        "any of title, category, brand, price, url, image_url, reason",
        "What to say about each item beside its id; null where the shop said nothing, and where there is no "
        "reason to give.",
    ),
]
Placement = Annotated[
    Annotated[str, Meta(min_length=1, max_length=64)] | None,
    _must_be(
        "a label of 1 to 64 characters",
        "Where the list is shown, such as `home` or `cart`; echoed in the answer.",
    ),
]
Strict = Annotated[
    bool,
    _must_be(
        "true or false",
        "Answer only what was asked for, even if that is an empty list, instead of falling back.",
    ),
]
AnyMode = Annotated[
    Mode,
    _must_be(
        "one of mixed, repeat, discover",
        "`repeat`: only items bought before; `discover`: only others; `mixed`: the best of both.",
    ),
]


Place = Annotated[
    Id | None,
    _must_be(
        f"a place of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL",
        "Where the customer is, spelt as the orders spell it, such as `France` and not `france`: where best "
        "sellers are answered, those of the place come first. A place that the snapshot does not know is "
        "passed over.",
    ),
]


class ListQuery(Struct, frozen=True, kw_only=True):
    """What every list can be asked with."""

    n: Count = 10
    offset: Offset = 0
    category: Category = None
    exclude: Excluded = ()
    fields: Fields = ()
    placement: Placement = None


class ItemQuery(ListQuery, frozen=True, kw_only=True):
    """A list for an item page."""

    strict: Strict = False


class BestSellersQuery(ListQuery, frozen=True, kw_only=True):
    """Best sellers."""

    place: Place = None


class CustomerQuery(ItemQuery, frozen=True, kw_only=True):
    """A personal list."""

    mode: AnyMode = "mixed"
    place: Place = None


class CartRequest(CustomerQuery, frozen=True, kw_only=True):
    """A list to show beside a cart."""

    cart: Annotated[
        tuple[Id, ...],
        _must_be(
            f"1 to {MOST_CART_ITEMS} item ids, each {_ID}",
            "Ids of the items in the cart; ids that the snapshot does not know are passed over.",
            min_length=1,
            max_length=MOST_CART_ITEMS,
        ),
    ]
    customer_id: Annotated[
        Id | None,
        _must_be(_ID, "Whose cart it is, if known: the customer's own list and last orders then count too."),
    ] = None


class Reason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an item stands in a list, for programs to put in words."""

    kind: Annotated[
        Literal[
            "bought_again",
            "bought_before",
            "because_you_bought",
            "similar_to",
            "bought_with",
            "popular_in_category",
            "popular_in_place",
            "popular",
        ],
        Meta(
            description="`bought_again`: the customer buys it every `every_days` days on average. "
            "`bought_before`: the customer has bought it, `times` times where that is known. "
            "`because_you_bought`: who bought the `item_id`, as this customer did, also buys it. "
            "`similar_to`: the same customers buy it and the `item_id` asked about. "
            "`bought_with`: so many `orders` hold it and the `item_id` asked about, `lift` times what chance "
            "would give, and hardly less than `lift_at_least` times. "
            "`popular_in_category`: a best seller of its `category`. `popular_in_place`: of the `place` "
            "asked for. `popular`: of the shop."
        ),
    ]
    item_id: str | UnsetType = UNSET
    title: Annotated[
        str | UnsetType | None, Meta(description="Of the `item_id`, where titles are asked for.")
    ] = UNSET
    category: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    every_days: int | UnsetType = UNSET
    times: int | UnsetType = UNSET
    orders: int | UnsetType = UNSET
    lift: float | UnsetType = UNSET
    lift_at_least: float | UnsetType = UNSET


class RecommendedItem(Struct, frozen=True, kw_only=True):
    """One place of a list."""

    item_id: str
    score: Annotated[float, Meta(description="Orders this list; not comparable with another list's scores.")]
    source: Annotated[str, Meta(description="The model that proposed the item.")]
    title: str | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET
    brand: str | UnsetType | None = UNSET
    price: float | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    image_url: str | UnsetType | None = UNSET
    reason: Reason | UnsetType | None = UNSET


class Recommendations(Struct, frozen=True, kw_only=True):
    """A list, and how it came about."""

    recommendation_id: Annotated[
        str, Meta(description="Names this answer: the same question on the same snapshot has the same one.")
    ]
    items: Annotated[
        tuple[RecommendedItem, ...], Meta(description="Best first; never padded, no item twice.")
    ]
    source: Annotated[
        RungName,
        Meta(
            description="Which rung of the ladder the list stands on: `personal` the customer's own list, "
            "`co_purchase` what is bought together, `similar` similar items, `best_sellers` the plainest."
        ),
    ]
    snapshot: Annotated[str, Meta(description="Id of the snapshot that the list was read from.")]
    generated_at: Annotated[str, Meta(description="When that snapshot was trained, RFC 3339.")]
    stale: Annotated[bool, Meta(description="Redis did not answer: the list is one remembered from before.")]
    degraded: Annotated[
        bool, Meta(description="A list that was needed could not be read: a plainer one was answered.")
    ]
    placement: Annotated[str | UnsetType, Meta(description="The label given in the request.")] = UNSET


class Alive(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Struct, frozen=True, kw_only=True):
    """The worker that was asked holds a snapshot."""

    status: Literal["ready"] = "ready"
    snapshot: Annotated[str, Meta(description="Id of the live snapshot.")]
    generated_at: Annotated[str, Meta(description="When it was trained, RFC 3339.")]
    age_seconds: Annotated[int, Meta(description="Seconds since then.")]
    trouble: Annotated[
        str | None,
        Meta(description="Why newer snapshots are not followed at the moment; null when all is well."),
    ] = None


class FieldError(Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """A refusal, as RFC 9457 describes it."""

    type: Annotated[str, Meta(description="Link to the kind of problem, relative to this service.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="What is wrong, where, and what to do.")]
    errors: Annotated[
        tuple[FieldError, ...], Meta(description="One entry for each field that is wrong.")
    ] = ()
