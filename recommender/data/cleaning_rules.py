"""What a shop says counts as a purchase."""

import re
from dataclasses import dataclass

import polars as pl

from recommender.data.columns import Names
from recommender.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CleaningRules:
    """[cleaning]: what counts as a purchase in this shop.

    Patterns are regular expressions, searched for anywhere unless anchored by ^ and $.

    Attributes:
        cancelled_order: order ids that are cancellations. Their negative quantities are returns, and negative
            quantities elsewhere are put aside. Without it every negative quantity is a return.
        product_pattern: item ids that are products; all others are put aside.
        non_product: item ids that are none (postage, fees, vouchers); put aside.
        drop_categories: categories to leave out, as written.
        drop_statuses: states of an order that mean it was not completed, in any letter case.
        guest_customers: customer ids that stand for "not known".
        fold_item_case: item ids that differ only in letter case or surrounding blanks are one item, called by
            the spelling that most of its purchases have; the patterns above then pass over letter case.
        fold_customer_case: the same for customer ids, as e-mail addresses need it.
        drop_zero_price: put lines without a price aside, instead of counting gifts as bought.
    """

    cancelled_order: str | None = None
    product_pattern: str | None = None
    non_product: Names = ()
    drop_categories: Names = ()
    drop_statuses: Names = ()
    guest_customers: Names = ()
    fold_item_case: bool = False
    fold_customer_case: bool = False
    drop_zero_price: bool = False

    def __post_init__(self) -> None:
        for name in ("cancelled_order", "product_pattern"):
            _check_pattern(name, getattr(self, name))
        for pattern in self.non_product:
            _check_pattern("non_product", pattern)


def _check_pattern(name: str, pattern: str | None) -> None:
    """Refuse what polars' regular expressions, which have no look-around, do not know."""
    if pattern is None:
        return
    try:
        re.compile(pattern)
        pl.Series([""]).str.contains(pattern)
    except (re.error, pl.exceptions.ComputeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigError(
            f"{name}: {pattern!r} is no regular expression that can be used: {reason}"
        ) from error
