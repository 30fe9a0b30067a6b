"""What goes over the wire, both ways. The OpenAPI document is generated from these types.

Each field of a request says in `must_be` what is allowed; a refusal quotes it.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from .expressions import NAMES
from .reason_schemas import Reason

MOST_PLACES = 100
"""Most items in one answer."""

MOST_IDS = 500
"""Most ids that one field of a request may list."""

MOST_CART_ITEMS = 100

MOST_RECENT_ITEMS = 100

MOST_ID_BYTES = 256

MOST_EXPRESSION_BYTES = 4_000

_ID = f"an id of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL"


def must_be(
    requirement: str, description: str, *, most_bytes: int = MOST_ID_BYTES, **constraints: Any
) -> Meta:
    """What is said of a request's field.

    Args:
        requirement: what it must be, as a refusal quotes it.
        description: for the docs.
        most_bytes: longest text.
        constraints: of msgspec.
    """
    extra = {"must_be": requirement, "most_bytes": most_bytes}
    return Meta(description=description, extra=extra, **constraints)


Mode = Literal["mixed", "repeat", "discover"]
ItemField = Literal["title", "category", "brand", "price", "stock", "url", "image_url", "reason"]
HidingRule = Literal[
    "unavailable",
    "asked_about",
    "excluded",
    "blocked",
    "bought",
    "bought_since",
    "dismissed",
    "category",
    "filter",
]
RungName = Literal["personal", "session", "co_purchase", "similar", "best_sellers", "due"]
SourceName = Literal[RungName, "nothing"]

Id = Annotated[str, Meta(min_length=1, max_length=MOST_ID_BYTES)]

Count = Annotated[
    int,
    must_be(
        f"a whole number from 1 to {MOST_PLACES}",
        "How many items to answer at most. Fewer come back when fewer are fit to be shown.",
        ge=1,
        le=MOST_PLACES,
    ),
]
Offset = Annotated[
    int,
    must_be(
        "a whole number from 0 to 10000", "Places to skip, to read a list page by page.", ge=0, le=10_000
    ),
]
Category = Annotated[
    Id | None,
    must_be(
        f"a category of 1 to {MOST_ID_BYTES} bytes of UTF-8 without NUL",
        "Answer only items of this category.",
    ),
]
Excluded = Annotated[
    tuple[Id, ...],
    must_be(
        f"at most {MOST_IDS} item ids, each {_ID}",
        "Item ids that must not be answered. In a query: separated by commas, or the parameter repeated; "
        "a comma inside an id is written `\\,`.",
        max_length=MOST_IDS,
    ),
]
Fields = Annotated[
    tuple[ItemField, ...],
    must_be(
        "any of title, category, brand, price, stock, url, image_url, reason",
        "What to say about each item beside its id; null where the shop said nothing, and where there is no "
        "reason to give.",
    ),
]
Placement = Annotated[
    Annotated[str, Meta(min_length=1, max_length=64)] | None,
    must_be(
        "a label of 1 to 64 characters",
        "Where the list is shown, such as `home` or `cart`; echoed in the answer.",
    ),
]
Strict = Annotated[
    bool,
    must_be(
        "true or false",
        "Answer only what was asked for, even if that is an empty list, instead of falling back.",
    ),
]
AnyMode = Annotated[
    Mode,
    must_be(
        "one of mixed, repeat, discover",
        "`repeat`: only items bought before; `discover`: only others; `mixed`: the best of both.",
    ),
]


Place = Annotated[
    Id | None,
    must_be(
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


class BuyAgainQuery(ItemQuery, frozen=True, kw_only=True):
    """What is due again."""

    within: Annotated[
        Literal[7, 14, 30],
        must_be(
            "7, 14 or 30",
            "Days ahead, counted from the snapshot's newest order, of which `probability` tells.",
        ),
    ] = 14


class BestSellersQuery(ListQuery, frozen=True, kw_only=True):
    """Best sellers."""

    place: Place = None


class CustomerQuery(ItemQuery, frozen=True, kw_only=True):
    """A personal list."""

    mode: AnyMode = "mixed"
    place: Place = None


SessionId = Annotated[
    Id | None,
    must_be(
        _ID,
        "In which session, of whoever is not known: a guest keeps one variant of an experiment by it. "
        "Without it guests are no part of experiments.",
    ),
]


class CartRequest(CustomerQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list to show beside a cart."""

    cart: Annotated[
        tuple[Id, ...],
        must_be(
            f"1 to {MOST_CART_ITEMS} item ids, each {_ID}",
            "Ids of the items in the cart; ids that the snapshot does not know are passed over.",
            min_length=1,
            max_length=MOST_CART_ITEMS,
        ),
    ]
    customer_id: Annotated[
        Id | None,
        must_be(_ID, "Whose cart it is, if known: the customer's own list and last orders then count too."),
    ] = None
    session_id: SessionId = None


class RecommendationsRequest(CustomerQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a list can be asked with."""

    customer_id: Annotated[Id | None, must_be(_ID, "Whom the list is for, if known.")] = None
    session_id: SessionId = None
    cart: Annotated[
        tuple[Id, ...],
        must_be(
            f"at most {MOST_CART_ITEMS} item ids, each {_ID}",
            "Ids of the items in the cart, which do not come back; unknown ids are passed over.",
            max_length=MOST_CART_ITEMS,
        ),
    ] = ()
    recent: Annotated[
        tuple[Id, ...],
        must_be(
            f"at most {MOST_RECENT_ITEMS} item ids, each {_ID}",
            "Ids of the items looked at in this session, the newest last. They do not come back; newer ones "
            "count more, and unknown ids are passed over.",
            max_length=MOST_RECENT_ITEMS,
        ),
    ] = ()
    filter: Annotated[
        str | None,
        must_be(
            "an expression of at most 1000 characters that is true or false",
            'Answer only items of which this holds, in CEL: `item.price < 20 && item.brand != "Leaf"`. '
            "It may name " + ", ".join(f"`{name}`" for name in NAMES) + ".",
            most_bytes=MOST_EXPRESSION_BYTES,
        ),
    ] = None
    boost: Annotated[
        str | None,
        must_be(
            "an expression of at most 1000 characters that gives a number",
            "Scores are multiplied by this before items are put in order, in CEL: "
            '`item.brand == "Leaf" ? 1.5 : 1.0`. It may name what a `filter` may.',
            most_bytes=MOST_EXPRESSION_BYTES,
        ),
    ] = None
    diversity: Annotated[
        float,
        must_be(
            "a number from 0 to 1",
            "0: the best items; towards 1: items of other categories and brands than those before them, too.",
            ge=0,
            le=1,
        ),
    ] = 0.0
    explain: Annotated[
        bool,
        must_be(
            "true or false",
            "Say how the list came about: which rungs were tried, what was hidden and why, and what each "
            "item owes to boosts and pins.",
        ),
    ] = False


class PlaceExplanation(Struct, frozen=True, kw_only=True):
    """How an item came to its place."""

    place: Annotated[
        int | None,
        Meta(description="Where it stood among what may be shown, from 1; null where only a pin brought it."),
    ]
    score: Annotated[float | None, Meta(description="Its score there.")]
    boost: Annotated[float, Meta(description="What that was multiplied by.")]
    pinned: Annotated[bool, Meta(description="Whether the placement pins it to the top.")]


class RungTried(Struct, frozen=True, kw_only=True):
    """A rung of the ladder that was looked at."""

    source: SourceName
    proposed: Annotated[int, Meta(description="Items it had.")]
    hidden: Annotated[
        dict[HidingRule, int],
        Meta(
            description="How many of them each rule forbids; one item may break several. `unavailable`: the "
            "shop does not sell it. `asked_about`: it is in the cart, was just looked at, or is the page's. "
            "`excluded`: the request says so. `blocked`: the placement does. `bought`: `mode` is discover. "
            "`bought_since`: bought after the snapshot was trained. `dismissed`: the customer said so. "
            "`category`, `filter`: it is not in the one asked for, or that does not hold."
        ),
    ]


class Explanation(Struct, frozen=True, kw_only=True):
    """How a list came about."""

    rungs: Annotated[tuple[RungTried, ...], Meta(description="In the order tried; the last one answered.")]
    filters: Annotated[tuple[str, ...], Meta(description="The placement's, then the request's.")]
    boosts: Annotated[tuple[str, ...], Meta(description="The placement's, then the request's.")]
    diversity: float


class RecommendedItem(Struct, frozen=True, kw_only=True):
    """One place of a list."""

    item_id: str
    score: Annotated[float, Meta(description="Orders this list; not comparable with another list's scores.")]
    source: Annotated[
        str, Meta(description="The model that proposed the item; `pin` where only the placement did.")
    ]
    title: str | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET
    brand: str | UnsetType | None = UNSET
    price: float | UnsetType | None = UNSET
    stock: int | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    image_url: str | UnsetType | None = UNSET
    reason: Reason | UnsetType | None = UNSET
    probability: Annotated[
        float | UnsetType, Meta(description="Of a purchase in the days asked for, where it is due again.")
    ] = UNSET
    due_on: Annotated[
        str | UnsetType | None,
        Meta(description="Likely date of the next purchase, if it comes within 30 days; null where unknown."),
    ] = UNSET
    due_between: Annotated[
        tuple[str, str] | UnsetType | None,
        Meta(description="First and last date between which four of five such purchases come."),
    ] = UNSET
    explanation: PlaceExplanation | UnsetType = UNSET


class Recommendations(Struct, frozen=True, kw_only=True):
    """A list, and how it came about."""

    recommendation_id: Annotated[
        str,
        Meta(
            description="Names this answer: the same question on the same snapshot has the same one. Send it "
            "along with events about the items shown."
        ),
    ]
    items: Annotated[
        tuple[RecommendedItem, ...], Meta(description="Best first; never padded, no item twice.")
    ]
    source: Annotated[
        SourceName,
        Meta(
            description="Which rung of the ladder the list stands on: `personal` the customer's own list, "
            "`session` what goes with the items just looked at, `co_purchase` what is bought together, "
            "`similar` similar items, `best_sellers` the plainest, `due` what is likely bought again; "
            "`nothing` where an experiment holds "
            "recommendations back."
        ),
    ]
    snapshot: Annotated[str, Meta(description="Id of the snapshot that the list was read from.")]
    generated_at: Annotated[str, Meta(description="When that snapshot was trained, RFC 3339.")]
    stale: Annotated[bool, Meta(description="Redis did not answer: the list is one remembered from before.")]
    degraded: Annotated[
        bool, Meta(description="A list that was needed could not be read: a plainer one was answered.")
    ]
    placement: Annotated[str | UnsetType, Meta(description="The label given in the request.")] = UNSET
    experiment: Annotated[str | UnsetType, Meta(description="Which experiment it is part of.")] = UNSET
    variant: Annotated[str | UnsetType, Meta(description="Which variant of that.")] = UNSET
    explanation: Explanation | UnsetType = UNSET


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
