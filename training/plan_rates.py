"""What stages of a training take for each line, customer, item and place: fitted to runs, provisionally.

Runs of benchmarks.memory on made-up shops of up to 3.75 million lines, with about the default settings, on a
machine that did other work at the same time. A script fitted these numbers to them, none below 0: seconds
are processor seconds, and rates of two-stage runs are those of single-stage ones plus the difference that was
seen on the smallest shop alone. `python -m benchmarks.memory --rates` writes them anew, from its own runs.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rate:
    """What one quantity of one stage grows with.

    Attributes:
        what: bytes held at most, seconds, or bytes of the snapshot's folder or in Redis.
        stage: of the run.
        ranked: of a run with a ranker.
        fixed: whatever the shop.
        lines: for each order line.
        customers: for each customer.
        items: for each item.
        places: for each place in customers' lists.
        dense: for each entry of the largest matrix of items by items.
    """

    what: Literal["peak", "seconds", "snapshot", "redis"]
    stage: str
    ranked: bool
    fixed: float
    lines: float
    customers: float
    items: float
    places: float
    dense: float


RATES: tuple[Rate, ...] = (
    Rate(
        what="peak",
        stage="read",
        ranked=False,
        fixed=372600000.0,
        lines=166.8,
        customers=0.0,
        items=801.3,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="peak",
        stage="learn",
        ranked=False,
        fixed=501500000.0,
        lines=358.3,
        customers=0.0,
        items=0.0,
        places=52.23,
        dense=53.15,
    ),
    Rate(
        what="peak",
        stage="list",
        ranked=False,
        fixed=519600000.0,
        lines=376.5,
        customers=0.0,
        items=0.0,
        places=69.38,
        dense=4.692,
    ),
    Rate(
        what="peak",
        stage="write",
        ranked=False,
        fixed=517000000.0,
        lines=377.8,
        customers=0.0,
        items=0.0,
        places=71.31,
        dense=5.006,
    ),
    Rate(
        what="peak",
        stage="publish",
        ranked=False,
        fixed=508200000.0,
        lines=390.5,
        customers=0.0,
        items=0.0,
        places=74.39,
        dense=5.401,
    ),
    Rate(
        what="seconds",
        stage="read",
        ranked=False,
        fixed=0.03114,
        lines=1.351e-06,
        customers=0.0,
        items=0.0,
        places=3.676e-08,
        dense=5.135e-09,
    ),
    Rate(
        what="seconds",
        stage="learn",
        ranked=False,
        fixed=1.644,
        lines=1.071e-05,
        customers=0.0,
        items=0.0,
        places=1.734e-06,
        dense=1.183e-06,
    ),
    Rate(
        what="seconds",
        stage="list",
        ranked=False,
        fixed=0.0,
        lines=1.173e-05,
        customers=0.0,
        items=0.0,
        places=3.888e-06,
        dense=2.646e-08,
    ),
    Rate(
        what="seconds",
        stage="write",
        ranked=False,
        fixed=0.03738,
        lines=3.87e-08,
        customers=4.538e-06,
        items=1.197e-06,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="publish",
        ranked=False,
        fixed=0.09022,
        lines=1.694e-07,
        customers=6.944e-06,
        items=1.102e-05,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="snapshot",
        stage="write",
        ranked=False,
        fixed=4944000.0,
        lines=22.03,
        customers=0.0,
        items=0.0,
        places=37.0,
        dense=1.837,
    ),
    Rate(
        what="redis",
        stage="publish",
        ranked=False,
        fixed=921200.0,
        lines=2.351,
        customers=0.0,
        items=0.0,
        places=9.406,
        dense=0.3053,
    ),
    Rate(
        what="peak",
        stage="read",
        ranked=True,
        fixed=371600000.0,
        lines=166.8,
        customers=0.0,
        items=801.9,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="peak",
        stage="learn",
        ranked=True,
        fixed=894600000.0,
        lines=363.6,
        customers=0.0,
        items=0.0,
        places=55.02,
        dense=53.15,
    ),
    Rate(
        what="peak",
        stage="list",
        ranked=True,
        fixed=845600000.0,
        lines=377.1,
        customers=0.0,
        items=0.0,
        places=70.05,
        dense=4.779,
    ),
    Rate(
        what="peak",
        stage="write",
        ranked=True,
        fixed=847000000.0,
        lines=378.3,
        customers=0.0,
        items=0.0,
        places=71.77,
        dense=5.065,
    ),
    Rate(
        what="peak",
        stage="publish",
        ranked=True,
        fixed=719200000.0,
        lines=391.3,
        customers=0.0,
        items=0.0,
        places=75.2,
        dense=5.503,
    ),
    Rate(
        what="seconds",
        stage="read",
        ranked=True,
        fixed=0.0,
        lines=1.344e-06,
        customers=0.0,
        items=0.0,
        places=3.495e-08,
        dense=4.969e-09,
    ),
    Rate(
        what="seconds",
        stage="learn",
        ranked=True,
        fixed=92.82,
        lines=1.145e-05,
        customers=0.0,
        items=0.0,
        places=2.138e-06,
        dense=1.194e-06,
    ),
    Rate(
        what="seconds",
        stage="list",
        ranked=True,
        fixed=2.099,
        lines=1.218e-05,
        customers=0.0,
        items=0.0,
        places=4.08e-06,
        dense=4.134e-08,
    ),
    Rate(
        what="seconds",
        stage="write",
        ranked=True,
        fixed=0.04065,
        lines=3.825e-08,
        customers=4.54e-06,
        items=1.173e-06,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="publish",
        ranked=True,
        fixed=0.288,
        lines=1.618e-07,
        customers=6.89e-06,
        items=1.054e-05,
        places=0.0,
        dense=0.0,
    ),
    Rate(
        what="snapshot",
        stage="write",
        ranked=True,
        fixed=6674000.0,
        lines=22.04,
        customers=0.0,
        items=0.0,
        places=37.0,
        dense=1.837,
    ),
    Rate(
        what="redis",
        stage="publish",
        ranked=True,
        fixed=821900.0,
        lines=2.428,
        customers=0.0,
        items=0.0,
        places=9.42,
        dense=0.3089,
    ),
)
