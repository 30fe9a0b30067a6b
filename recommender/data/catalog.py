"""What the shop says about its items."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.data.vocabulary import Vocabulary

Texts = tuple[str | None, ...]

COLUMNS = ("title", "category", "brand", "price", "available", "released_at", "url", "image_url")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Item data aligned with an item vocabulary; None or NaN where the shop said nothing.

    Attributes:
        items: labels; every other attribute has one entry for each.
        title: what a customer would read.
        category: one category an item.
        brand: brand or maker.
        price: shape (n_items,) float32, NaN where unknown.
        available: shape (n_items,) bool; False forbids recommending the item.
        released_at: shape (n_items,) int64 seconds since 1970 UTC, 0 where unknown.
        url: page of the item.
        image_url: picture of the item.
        attributes: any other column of the item file, as text, by column name.
    """

    items: Vocabulary
    title: Texts
    category: Texts
    brand: Texts
    price: NDArray[np.float32]
    available: NDArray[np.bool_]
    released_at: NDArray[np.int64]
    url: Texts
    image_url: Texts
    attributes: Mapping[str, Texts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in COLUMNS:
            if (found := len(getattr(self, name))) != len(self.items):
                raise ValueError(f"catalog column {name} has {found} entries for {len(self.items)} items")

    @classmethod
    def unknown(cls, items: Vocabulary) -> "Catalog":
        """A catalog that knows nothing but the ids; everything counts as available."""
        nothing: Texts = (None,) * len(items)
        return cls(
            items=items, title=nothing, category=nothing, brand=nothing,
            price=np.full(len(items), np.nan, np.float32), available=np.ones(len(items), bool),
            released_at=np.zeros(len(items), np.int64), url=nothing, image_url=nothing,
        )  # fmt: skip

    def align(self, items: Vocabulary) -> "Catalog":
        """This catalog in the order of another vocabulary; items it does not know are left blank."""
        at = self.items.positions(items.ids)

        # Position -1 means unknown, and to Python and numpy also the last entry: so a blank is appended.
        def texts(column: Texts) -> Texts:
            padded = (*column, None)
            return tuple(padded[i] for i in at)

        return Catalog(
            items=items,
            title=texts(self.title),
            category=texts(self.category),
            brand=texts(self.brand),
            price=np.append(self.price, np.float32(np.nan))[at],
            available=np.append(self.available, True)[at],
            released_at=np.append(self.released_at, 0)[at],
            url=texts(self.url),
            image_url=texts(self.image_url),
            attributes={name: texts(column) for name, column in self.attributes.items()},
        )

    def categories(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Names of the categories, sorted, and the number of each item's category, -1 for none."""
        names = tuple(sorted({category for category in self.category if category}))
        number = {name: n for n, name in enumerate(names)}
        return names, np.array([number.get(category or "", -1) for category in self.category], np.int32)

    def name(self, item: int) -> str:
        """What to print for the item at this position: its title, or its id."""
        return self.title[item] or self.items.ids[item]
