"""Settings of the gate before the live snapshot."""

from dataclasses import dataclass

from recommender.ranges import require_at_least


@dataclass(frozen=True, slots=True)
class GateSettings:
    """[gate]: what a snapshot must be like to go live.

    Attributes:
        max_ndcg_loss: share of the live snapshot's nDCG that a task may lose, beyond noise.
        min_judged: tasks judged on fewer customers, in either snapshot, are not compared.
        max_coverage_loss: share of the live snapshot's coverage that may be lost: of customers with a list,
            items in customers' lists, items with lists of their own.
        min_customer_coverage: share of the customers that must have a list.
        min_item_coverage: share of the items that must stand in some customer's list.
        max_size_loss: share of the live snapshot's orders, customers or items that may be missing.
        max_days_behind: how much older than the live snapshot's newest order the newest order may be.
        max_data_age_days: how old the newest order may be when it is published.
    """

    max_ndcg_loss: float = 0.1
    min_judged: int = 30
    max_coverage_loss: float = 0.5
    min_customer_coverage: float = 0.1
    min_item_coverage: float = 0.01
    max_size_loss: float = 0.3
    max_days_behind: float = 1.0
    max_data_age_days: float = float("inf")

    def __post_init__(self) -> None:
        for name in (
            "max_ndcg_loss",
            "max_coverage_loss",
            "min_customer_coverage",
            "min_item_coverage",
            "max_size_loss",
        ):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise ValueError(f"{name} must be a share from 0 to 1, got {share}")
        require_at_least(1, min_judged=self.min_judged)
        # Infinite ones are none, so what is asked is whether they are numbers and not negative.
        for name in ("max_days_behind", "max_data_age_days"):
            if not (days := getattr(self, name)) >= 0:
                raise ValueError(f"{name} must be at least 0, got {days}")
