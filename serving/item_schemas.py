"""Changes of items as they go over the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from .schemas import must_be

_Stock = Annotated[int, Meta(ge=0, le=2**53)]
_Price = Annotated[float, Meta(ge=0)]


class ItemRequest(Struct, frozen=True, kw_only=True):
    """What the shop says of an item between two trainings; null takes back what was said."""

    stock: Annotated[
        _Stock | UnsetType | None,
        must_be("a whole number, 0 or more, or null", "Pieces that can be sold; with 0 it is not shown."),
    ] = UNSET
    price: Annotated[
        _Price | UnsetType | None, must_be("a number, 0 or more, or null", "In the shop's currency.")
    ] = UNSET
    visible: Annotated[
        bool | UnsetType | None,
        must_be(
            "true, false or null",
            "Whether it may be shown, whatever the catalog said when the snapshot was trained.",
        ),
    ] = UNSET


class ItemAnswer(Struct, frozen=True, kw_only=True):
    """What is said of an item now; null where the snapshot's word holds."""

    item_id: str
    stock: int | None
    price: float | None
    visible: bool | None
    known: Annotated[
        bool,
        Meta(
            description="Whether the live snapshot knows the item; if not, what is said waits for one that "
            "does."
        ),
    ]
