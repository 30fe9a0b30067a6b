"""What one variant of an experiment answers, as a request is made into a question."""

from dataclasses import dataclass

from .placements import Holdout, Placement


@dataclass(frozen=True, eq=False, slots=True)
class Arm:
    """What one variant of an experiment answers.

    Attributes:
        experiment: its name.
        variant: its name.
        rules: settings that hold instead of the placement's.
        snapshot: id of the snapshot to answer from; None for the live one.
        holdout: whether only best sellers, or nothing, is answered.
    """

    experiment: str
    variant: str
    rules: Placement
    snapshot: str | None = None
    holdout: Holdout | None = None
