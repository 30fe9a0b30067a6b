"""What is proposed as one offer, found in all purchases, and as tables for mailings."""

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.bundles import KnownOrders
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles, own_bundles
from recommender.models.shared_orders import Baskets
from recommender.snapshot.directory import Lists

from .carried import Carried
from .item_lists import PlainLists
from .learning import Learned
from .moment import Purchases
from .progress import Progress
from .settings import Settings


def shop_bundles(
    purchases: Purchases, plain: PlainLists, settings: Settings, progress: Progress, *, carried: Carried
) -> BundleTable | None:
    """What the shop can offer together.

    Args:
        purchases: what there is to learn from.
        plain: what is bought together.
        settings: `bundles` and `discounts` say how.
        progress: hears of the step.
        carried: items whose lists are those of the snapshot before.

    Returns:
        None where it is switched off.

    Raises:
        ConfigError: no item has the attribute that is to say its cost, or one is no number.
    """
    if not settings.bundles.per_item:
        return None
    with progress.step("Find bundles"):
        together, _ = carried.bought_together(plain.together.take(carried.new_items), plain.evidence)
        orders, baskets = purchases.orders, Baskets.of(purchases.history)
        known = KnownOrders(orders, orders.last_time, baskets, purchases.catalog, purchases.eligible)
        return settings.bundles.fit(known, together, settings.discounts)


def customers_bundles(
    table: BundleTable | None,
    lists: Lists,
    learned: Learned,
    due: DueTable | None,
    settings: Settings,
    progress: Progress,
) -> OwnBundles | None:
    """Which bundles fit each customer, in the order of the customers; None where there are none at all."""
    if table is None:
        return None
    n, due_from = settings.bundles.per_customer, settings.bundles.due_from
    with progress.step("Choose bundles for customers"):
        return own_bundles(table, lists.recommended, learned.bought, due, n=n, due_from=due_from)
