"""What lists can be asked with, as the service's docs describe it; what is left out has its default."""

from collections.abc import Sequence
from typing import Literal, TypedDict

ItemField = Literal["title", "category", "brand", "price", "stock", "url", "image_url", "reason"]


class ListOptions(TypedDict, total=False):
    """Of every list."""

    n: int
    offset: int
    category: str
    exclude: Sequence[str]
    fields: Sequence[ItemField]
    placement: str


class BestSellersOptions(ListOptions, total=False):
    """Of best sellers."""

    place: str


class ItemOptions(ListOptions, total=False):
    """Of a list for an item page."""

    strict: bool


class BundleOptions(TypedDict, total=False):
    """Of bundles; those of the shop know no `strict`."""

    n: int
    offset: int
    category: str
    exclude: Sequence[str]
    fields: Sequence[Literal["title", "category", "brand", "price", "stock", "url", "image_url"]]
    placement: str
    strict: bool


class BuyAgainOptions(ItemOptions, total=False):
    """Of what is due again."""

    within: Literal[7, 14, 30]


class CustomerOptions(ItemOptions, total=False):
    """Of a personal list."""

    mode: Literal["mixed", "repeat", "discover"]
    place: str


class CartOptions(CustomerOptions, total=False):
    """Of a list beside a cart."""

    session_id: str


class FullOptions(CartOptions, total=False):
    """Of the full form."""

    customer_id: str
    cart: Sequence[str]
    recent: Sequence[str]
    filter: str
    boost: str
    diversity: float
    explain: bool
