"""Why there was nothing to judge lists by, in words."""

from recommender.data.history import DAY
from recommender.data.orders import GUEST, OrderLog
from recommender.data.shop_findings import FEWEST_DAYS_JUDGED
from recommender.evaluation.split import rolling_cuts

from .learning_settings import EvaluationSettings


def why_not_judged(orders: OrderLog, evaluation: EvaluationSettings) -> str:
    """The reason, where `evaluation.evaluate` judged nothing; the end of a sentence.

    Args:
        orders: the shop's whole clean log.
        evaluation: which days were to be predicted.
    """
    days = evaluation.days
    cuts = rolling_cuts(orders, days=days, windows=evaluation.windows)
    if not cuts:
        span = (orders.last_time - orders.first_time) // DAY
        takes = f"{FEWEST_DAYS_JUDGED * days:g} days it takes, {FEWEST_DAYS_JUDGED} times [evaluation] days"
        return f"the history spans {span:,} of the {takes}"
    if not (orders.customer != GUEST).any():
        return "no order names its customer"
    last = f"the last {days:g} days" if len(cuts) == 1 else f"any of the last {len(cuts)} times {days:g} days"
    return f"nobody who had ordered before {last} ordered a known item again in them"
