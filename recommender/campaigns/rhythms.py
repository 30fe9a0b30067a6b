"""What is known of each customer's rhythm with each item, as features for trees."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.campaigns.purchase_days import PurchaseDays
from recommender.data.catalog import Catalog
from recommender.data.groups import run_starts
from recommender.data.vocabulary import Vocabulary

_EWMA_HALVING = 2.0
"""A gap between two purchases counts half when so many newer ones are known."""

_SHORT, _MIDDLE, _LONG = 14, 56, 182
"""Days over which an item's sales are compared."""

_PROVEN_SHRINKAGE = 8
"""Customers with a rhythm that every item starts with, of whom one bought it lately."""

NO_CATEGORY = -1


def categories_of(catalog: Catalog, items: Vocabulary) -> NDArray[np.int32]:
    """A number for the category of each item, shape (len(items),); `NO_CATEGORY` without one."""
    names = {name: number for number, name in enumerate(sorted({name for name in catalog.category if name}))}
    of_catalog = np.array([names.get(name or "", NO_CATEGORY) for name in catalog.category], np.int32)
    return np.append(of_catalog, np.int32(NO_CATEGORY))[catalog.items.positions(items.ids)]


@dataclass(frozen=True, slots=True)
class Rhythms:
    """Pairs of customer and item bought often enough to have a rhythm.

    Attributes:
        customer: shape (n,) int32 positions, not falling.
        item: shape (n,) int32 positions.
        since: shape (n,) int32, days since it was bought last.
        features: shape (n, n_features) float32; NaN where nothing is known.
        names: of the features.
        n_items: items that there are.
    """

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    since: NDArray[np.int32]
    features: NDArray[np.float32]
    names: tuple[str, ...]
    n_items: int

    @classmethod
    def of(
        cls,
        days: PurchaseDays,
        category: NDArray[np.int32],
        *,
        fewest_days: int,
        items: "ItemRhythms | None" = None,
    ) -> "Rhythms":
        """The rhythms as they stand at the moment that the days are counted from.

        Args:
            days: all purchases of the customers whose rhythms are told.
            category: shape (n_items,), a number for the category of each item, `NO_CATEGORY` without one.
            fewest_days: a pair with fewer purchase days has no rhythm.
            items: how items are bought at that moment; None to tell it by the same days.
        """
        pairs, items = _Pairs.of(days), items or ItemRhythms.of(days)
        columns: dict[str, NDArray[np.floating]] = {
            **_own(pairs),
            **_of_customers(pairs, days),
            **{name: column[pairs.item] for name, column in items.columns.items()},
            **_of_categories(pairs, days, category),
        }
        kept = pairs.n >= fewest_days
        features = np.stack([column[kept].astype(np.float32) for column in columns.values()], axis=1)
        return cls(
            pairs.customer[kept], pairs.item[kept], pairs.since[kept], features, tuple(columns), days.n_items
        )

    def __len__(self) -> int:
        return len(self.item)

    def pairs(self) -> NDArray[np.int64]:
        """One number for each pair, as `PurchaseDays.pairs` has it, rising."""
        return self.customer.astype(np.int64) * self.n_items + self.item

    def next_bought(self, later: PurchaseDays, days: int) -> NDArray[np.int32]:
        """When each pair was bought next, in days from 1; 0 where it was not.

        Args:
            later: what was bought in the `days` days that followed, counted from their end.
            days: how many these are.
        """
        found = np.zeros(len(self), np.int32)
        starts = later.pair_starts()
        # The oldest comes first, and so does what is bought first.
        key, first = later.pairs()[starts], days - later.ago[starts]
        place = np.searchsorted(key, self.pairs())
        there = place < len(key)
        there[there] = key[place[there]] == self.pairs()[there]
        found[there] = first[place[there]]
        return found


@dataclass(frozen=True, slots=True)
class ItemRhythms:
    """How some customers buy each item, and how that changes.

    Attributes:
        columns: by name, each of shape (n_items,).
    """

    columns: Mapping[str, NDArray[np.floating]]

    @classmethod
    def of(cls, days: PurchaseDays) -> "ItemRhythms":
        """As it stands at the moment that the days are counted from."""
        return cls(_of_items(_Pairs.of(days), days))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Each pair of customer and item, and its purchases in the order of `PurchaseDays`."""

    customer: NDArray[np.int32]
    item: NDArray[np.int32]
    starts: NDArray[np.intp]
    last: NDArray[np.intp]
    n: NDArray[np.int64]
    since: NDArray[np.int32]
    first: NDArray[np.int32]
    gap: NDArray[np.float64]
    ago: NDArray[np.int32]
    units: NDArray[np.float32]

    @classmethod
    def of(cls, days: PurchaseDays) -> "_Pairs":
        starts = days.pair_starts()
        n = np.diff(starts, append=len(days))
        last = starts + n - 1
        # Days since the purchase before; 0 for the first one.
        gap = -np.diff(days.ago, prepend=0).astype(np.float64)
        gap[starts] = 0
        return cls(
            days.customer[starts], days.item[starts], starts, last, n,
            days.ago[last], days.ago[starts], gap, days.ago, days.units,
        )  # fmt: skip

    def sums(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Of each pair's purchases."""
        return np.add.reduceat(values, self.starts) if len(self.starts) else np.zeros(0)

    def faded(self, half_life: float) -> NDArray[np.float64]:
        return self.sums(np.exp2(-self.ago / half_life))

    def recent(self, days: int) -> NDArray[np.float64]:
        return self.sums((self.ago < days).astype(np.float64))


def _own(pairs: _Pairs) -> Mapping[str, NDArray[np.floating]]:
    """What the pair's own purchases say."""
    n, since = pairs.n, pairs.since.astype(np.float64)
    gaps = np.maximum(n - 1, 1)
    span = (pairs.first - pairs.since).astype(np.float64)
    mean = span / gaps
    spread = np.sqrt(np.maximum(pairs.sums(pairs.gap**2) / gaps - mean**2, 0))
    newer = np.repeat(pairs.last, n) - np.arange(len(pairs.ago))
    weight = np.where(pairs.gap > 0, np.exp2(-newer / _EWMA_HALVING), 0)
    lately = pairs.sums(weight * pairs.gap) / np.maximum(pairs.sums(weight), 1e-9)
    longest = np.maximum.reduceat(pairs.gap, pairs.starts) if len(n) else np.zeros(0)
    units, last_units = pairs.sums(pairs.units), pairs.units[pairs.last].astype(np.float64)
    # How long what was bought last should do, by the units that were used up in a day until then.
    lasts = last_units * span / np.maximum(units - last_units, 1e-9)
    return {
        "bought_days": n.astype(np.float64),
        "since": since,
        "known_for": pairs.first.astype(np.float64),
        "mean_gap": mean,
        "gap_spread": spread,
        "last_gap": pairs.gap[pairs.last],
        "lately_gap": lately,
        "since_to_mean": since / np.maximum(mean, 0.5),
        "since_to_lately": since / np.maximum(lately, 0.5),
        "since_to_longest": since / np.maximum(longest, 1),
        "spreads_late": (since - mean) / np.maximum(spread, 1),
        "faded_20": pairs.faded(20),
        "faded_60": pairs.faded(60),
        "faded_180": pairs.faded(180),
        "in_28_days": pairs.recent(28),
        "in_84_days": pairs.recent(84),
        "last_units": last_units,
        "units_to_usual": last_units * n / units,
        "used_up": since / np.maximum(lasts, 0.5),
    }


def _of_customers(pairs: _Pairs, days: PurchaseDays) -> Mapping[str, NDArray[np.floating]]:
    """How often the customer comes, and what part of that the item is in."""
    visits = _DaysOf.of(days.customer, days.ago)
    each = visits.rows(pairs.customer)
    n = each.n.astype(np.float64)
    since_first = each.count_until(pairs.first)
    since_last = each.count_until(pairs.since)
    rate = (pairs.n - 1) / np.maximum(since_first, 1)
    return {
        "visits": n,
        "visits_in_28": each.count_until(np.full(len(n), 28)).astype(np.float64),
        "visits_in_84": each.count_until(np.full(len(n), 84)).astype(np.float64),
        "visit_since": each.since,
        "visit_gap": each.mean_gap,
        "visits_since_bought": since_last.astype(np.float64),
        "bought_a_visit": rate,
        "visits_late": rate * since_last,
    }


def _of_items(pairs: _Pairs, days: PurchaseDays) -> Mapping[str, NDArray[np.floating]]:
    """See `ItemRhythms`."""

    def counts(of: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(days.item[of], minlength=days.n_items).astype(np.float64)

    def of_pairs(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.bincount(pairs.item[chosen], minlength=days.n_items).astype(np.float64)

    short, middle, long = (counts(days.ago < span) for span in (_SHORT, _MIDDLE, _LONG))
    buyers, again = of_pairs(pairs.n > 0), of_pairs(pairs.n > 1)
    is_gap = np.ones(len(days), bool)
    is_gap[pairs.starts] = False
    gaps = np.bincount(days.item[is_gap], weights=pairs.gap[is_gap], minlength=days.n_items)
    often = pairs.n > 2
    return {
        "item_buyers": buyers,
        "item_again": again / np.maximum(buyers, 1),
        "item_gap": gaps / np.maximum(counts(is_gap), 1),
        "item_in_14": short,
        "item_in_56": middle,
        "item_trend": short * _MIDDLE / _SHORT / np.maximum(middle, 1),
        "item_long_trend": middle * _LONG / _MIDDLE / np.maximum(long, 1),
        "item_due": (of_pairs(often & (pairs.since < _SHORT)) + 1) / (of_pairs(often) + _PROVEN_SHRINKAGE),
    }


def _of_categories(
    pairs: _Pairs, days: PurchaseDays, category: NDArray[np.int32]
) -> Mapping[str, NDArray[np.floating]]:
    """What else of the category the customer bought: something else may have taken the item's place."""
    n_categories = int(category.max(initial=NO_CATEGORY)) + 1
    known = category[days.item] != NO_CATEGORY
    group = days.customer[known].astype(np.int64) * n_categories + category[days.item[known]]
    bought = _DaysOf.of(group, days.ago[known])
    of_pair = category[pairs.item]
    own = np.where(
        of_pair == NO_CATEGORY, NO_CATEGORY, pairs.customer.astype(np.int64) * n_categories + of_pair
    )
    each = bought.rows(own)
    n = each.n.astype(np.float64)
    columns = {
        "category_days": n,
        "category_in_28": each.count_until(np.full(len(n), 28)).astype(np.float64),
        "category_since": each.since,
        "category_gap": each.mean_gap,
        "category_late": each.since / np.maximum(each.mean_gap, 0.5),
        "category_since_bought": each.count_until(pairs.since).astype(np.float64),
        "category_share": pairs.n / np.maximum(n, 1),
    }
    return {name: np.where(own == NO_CATEGORY, np.nan, column) for name, column in columns.items()}


@dataclass(frozen=True, slots=True)
class _DaysOf:
    """Different days of each group, the newest first, packed into numbers that rise."""

    packed: NDArray[np.int64]

    @classmethod
    def of(cls, group: NDArray[np.integer], ago: NDArray[np.int32]) -> "_DaysOf":
        packed = _packed(group, ago)
        packed.sort()
        return cls(packed[run_starts(packed)])

    def rows(self, groups: NDArray[np.integer]) -> "_DaysOfEach":
        """The days of these groups; none of a negative one."""
        low = np.searchsorted(self.packed, _packed(groups, np.zeros(len(groups), np.int64)))
        high = np.searchsorted(self.packed, _packed(groups, np.full(len(groups), _MOST_DAYS)))
        return _DaysOfEach(self.packed, groups, low, high)


@dataclass(frozen=True, slots=True)
class _DaysOfEach:
    packed: NDArray[np.int64]
    groups: NDArray[np.integer]
    low: NDArray[np.intp]
    high: NDArray[np.intp]

    @property
    def n(self) -> NDArray[np.intp]:
        return self.high - self.low

    @property
    def since(self) -> NDArray[np.float64]:
        """Days since the newest; NaN where there is none."""
        return self._ago(self.low)

    @property
    def mean_gap(self) -> NDArray[np.float64]:
        return (self._ago(self.high - 1) - self._ago(self.low)) / np.maximum(self.n - 1, 1)

    def count_until(self, ago: NDArray[np.integer]) -> NDArray[np.intp]:
        """How many are newer than so many days."""
        return np.searchsorted(self.packed, _packed(self.groups, ago)) - self.low

    def _ago(self, place: NDArray[np.intp]) -> NDArray[np.float64]:
        there = self.n > 0
        found = np.full(len(place), np.nan)
        found[there] = self.packed[place[there]] % _MOST_DAYS
        return found


_MOST_DAYS = 1 << 20


def _packed(group: NDArray[np.integer], ago: NDArray[np.integer]) -> NDArray[np.int64]:
    return group.astype(np.int64) * _MOST_DAYS + ago
