"""Withholds from publications and mailings what is of customers who opted out or were erased."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from recommender.events.private_customers import Standings
from recommender.ranking.lists import ListTable
from recommender.ranking.reasons import Reasons
from recommender.snapshot.directory import Snapshot


def without_private(snapshot: Snapshot, private: Standings) -> Snapshot:
    """The snapshot without rows of customers who may not be known, trained before they asked for that.

    Its id and the order of its customers stay: a row that is withheld is empty, and so it is not stored.

    Args:
        snapshot: what is to be published.
        private: what customers asked for.
    """
    if not private.by_digest:
        return snapshot
    until = datetime.fromisoformat(snapshot.manifest.data_until).timestamp()
    asked = [private.of(customer_id) for customer_id in snapshot.customers.ids]
    shown = np.array([standing is None or not standing.leaves_out(until) for standing in asked], bool)
    if shown.all():
        return snapshot
    lists = snapshot.lists
    kept, past = (shown[table.row_of_place()] for table in (lists.recommended, lists.past_orders))
    recommended: ListTable = lists.recommended.keep(kept)
    reasons = Reasons(lists.reasons.kinds[kept], lists.reasons.values[kept])
    past_orders = lists.past_orders.keep(past)
    changed = replace(lists, recommended=recommended, reasons=reasons, past_orders=past_orders)
    due = snapshot.due and snapshot.due.keep(shown[snapshot.due.row_of_place()])
    own = snapshot.own_bundles and snapshot.own_bundles.keep(shown[snapshot.own_bundles.row_of_place()])
    return replace(snapshot, lists=changed, due=due, own_bundles=own)
