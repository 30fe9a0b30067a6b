"""Why an item stands in a list, as it goes over the wire."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType


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
            "`similar_to`: the same customers buy it and the `item_id` asked about, or just looked at. "
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
