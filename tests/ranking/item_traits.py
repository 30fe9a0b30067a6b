"""Item traits from plain lists."""

import numpy as np

from recommender.ranking.item_traits import ItemTraits


def traits_of(n_items: int, **known) -> ItemTraits:
    """Traits of which some are given. Else nothing is known, and everything is old and bought by all."""
    nothing = np.full(n_items, -1, np.int32)
    columns = {
        "category": nothing,
        "brand": nothing,
        "variant": nothing,
        "buyers": np.ones(n_items),
        "is_new": np.zeros(n_items, bool),
    }
    given = {
        name: np.asarray(values, columns[name].dtype) for name, values in known.items() if name in columns
    }
    factors = known.get("factors")
    return ItemTraits(
        **(columns | given), factors=None if factors is None else np.asarray(factors, np.float32)
    )
