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
        fixed=377900000.0,
        lines=150.5,
        customers=68.82,
        items=0.0,
        places=0.0,
        dense=2.885,
    ),
    Rate(
        what="peak",
        stage="learn",
        ranked=False,
        fixed=464300000.0,
        lines=194.5,
        customers=1258.0,
        items=0.0,
        places=0.0,
        dense=50.22,
    ),
    Rate(
        what="peak",
        stage="list",
        ranked=False,
        fixed=534100000.0,
        lines=156.3,
        customers=2205.0,
        items=0.0,
        places=0.0,
        dense=13.56,
    ),
    Rate(
        what="peak",
        stage="write",
        ranked=False,
        fixed=503100000.0,
        lines=158.5,
        customers=2396.0,
        items=0.0,
        places=0.0,
        dense=15.57,
    ),
    Rate(
        what="peak",
        stage="publish",
        ranked=False,
        fixed=503200000.0,
        lines=158.5,
        customers=2394.0,
        items=0.0,
        places=0.0,
        dense=15.57,
    ),
    Rate(
        what="seconds",
        stage="read",
        ranked=False,
        fixed=0.08065,
        lines=4.788e-07,
        customers=0.0,
        items=4.658e-07,
        places=2.759e-08,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="learn",
        ranked=False,
        fixed=1.257,
        lines=6.178e-06,
        customers=0.0,
        items=0.0004342,
        places=8.836e-07,
        dense=4.149e-07,
    ),
    Rate(
        what="seconds",
        stage="list",
        ranked=False,
        fixed=0.0,
        lines=1.54e-06,
        customers=0.0,
        items=5.014e-05,
        places=1.436e-06,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="write",
        ranked=False,
        fixed=0.03797,
        lines=0.0,
        customers=2.216e-06,
        items=1.147e-06,
        places=4.411e-08,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="publish",
        ranked=False,
        fixed=0.2335,
        lines=5.22e-08,
        customers=0.0,
        items=1.906e-05,
        places=1.277e-07,
        dense=0.0,
    ),
    Rate(
        what="snapshot",
        stage="write",
        ranked=False,
        fixed=3146000.0,
        lines=24.6,
        customers=0.0,
        items=2007.0,
        places=38.21,
        dense=0.8679,
    ),
    Rate(
        what="redis",
        stage="publish",
        ranked=False,
        fixed=498000.0,
        lines=2.797,
        customers=0.0,
        items=459.1,
        places=9.653,
        dense=0.0412,
    ),
    Rate(
        what="peak",
        stage="read",
        ranked=True,
        fixed=383200000.0,
        lines=151.3,
        customers=0.0,
        items=0.0,
        places=0.0,
        dense=2.244,
    ),
    Rate(
        what="peak",
        stage="learn",
        ranked=True,
        fixed=909400000.0,
        lines=131.4,
        customers=0.0,
        items=42160.0,
        places=37.28,
        dense=0.0,
    ),
    Rate(
        what="peak",
        stage="list",
        ranked=True,
        fixed=838500000.0,
        lines=103.3,
        customers=0.0,
        items=4778.0,
        places=58.24,
        dense=0.0,
    ),
    Rate(
        what="peak",
        stage="write",
        ranked=True,
        fixed=820400000.0,
        lines=98.45,
        customers=0.0,
        items=5683.0,
        places=61.99,
        dense=0.0,
    ),
    Rate(
        what="peak",
        stage="publish",
        ranked=True,
        fixed=708300000.0,
        lines=77.57,
        customers=0.0,
        items=2121.0,
        places=78.69,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="read",
        ranked=True,
        fixed=0.06022,
        lines=5.037e-07,
        customers=0.0,
        items=3.378e-06,
        places=2.305e-08,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="learn",
        ranked=True,
        fixed=54.93,
        lines=9.305e-06,
        customers=0.0,
        items=0.001384,
        places=1.863e-06,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="list",
        ranked=True,
        fixed=0.2395,
        lines=6.874e-07,
        customers=0.0,
        items=7.173e-05,
        places=4.553e-06,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="write",
        ranked=True,
        fixed=0.04182,
        lines=9.554e-09,
        customers=0.0,
        items=1.683e-06,
        places=6.632e-08,
        dense=0.0,
    ),
    Rate(
        what="seconds",
        stage="publish",
        ranked=True,
        fixed=0.3728,
        lines=0.0,
        customers=1.286e-06,
        items=2.1e-05,
        places=1.519e-07,
        dense=0.0,
    ),
    Rate(
        what="snapshot",
        stage="write",
        ranked=True,
        fixed=4857000.0,
        lines=24.54,
        customers=0.0,
        items=2038.0,
        places=38.25,
        dense=0.8452,
    ),
    Rate(
        what="redis",
        stage="publish",
        ranked=True,
        fixed=498000.0,
        lines=2.798,
        customers=0.0,
        items=459.0,
        places=9.653,
        dense=0.04122,
    ),
)
