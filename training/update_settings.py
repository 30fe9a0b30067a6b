"""Settings of updates."""

from dataclasses import dataclass

from recommender.ranges import require_at_least


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """[update]: how `cartlift update` goes on from the snapshot before.

    Attributes:
        full_every_days: once the orders are so many days newer than those of the last full run, everything
            is learned and judged anew; 0 does that every time.
    """

    full_every_days: float = 7.0

    def __post_init__(self) -> None:
        require_at_least(0, full_every_days=self.full_every_days)
