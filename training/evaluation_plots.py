"""Plots of an evaluation as SVG that stands in a page: no file, no font, no network."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from textwrap import shorten
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from recommender.evaluation.intervals import Interval
from recommender.evaluation.trade_off import TradeOff

COLOURS = {
    "ink": "#1c2430",
    "soft": "#5b6675",
    "line": "#dfe3e8",
    "page": "#ffffff",
    "method-1": "#0b6e4f",
    "method-2": "#b4560f",
    "method-3": "#3b62b8",
    "method-4": "#8b3f97",
    "method-5": "#6d6414",
}
"""What plots are drawn with; the page's style says what each is by day, by night and on paper."""

_METHODS = [name for name in COLOURS if name.startswith("method")]
_WIDTH = 5.2  # inches; a unit of the picture is then about a pixel of a narrow phone
_ROW = 0.42
_LONGEST_LABEL = 30
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cartlift",
    "font.size": 11.5,
    "text.color": COLOURS["ink"],
    "text.parse_math": False,  # a category may be called "$5 to $10"
    "axes.edgecolor": COLOURS["soft"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": COLOURS["soft"],
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "ytick.labelcolor": COLOURS["ink"],
    "grid.color": COLOURS["line"],
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of ours, drawn above the same of best sellers.

    Attributes:
        label: what it is of.
        ours: its mean and 95 % interval.
        best_sellers: theirs; an end that is NaN is not drawn.
        few: whether so few customers were judged that it says little: drawn pale.
    """

    label: str
    ours: Interval
    best_sellers: Interval
    few: bool = False


def bars(name: str, of: str, rows: Sequence[Bar], *, unit: str) -> Markup:
    """Two bars a row, the first row on top, with intervals as whiskers.

    Args:
        name: of the plot, unlike that of any other plot on the page.
        of: what is shown, for those who cannot see it.
        rows: what to draw.
        unit: of the bars.
    """

    def draw(axes: Axes) -> None:
        for place, row in enumerate(rows):
            opacity = 0.45 if row.few else 1.0
            _bar(axes, place - 0.19, row.ours, "method-1", opacity)
            _bar(axes, place + 0.19, row.best_sellers, "method-2", opacity)
        _label_rows(axes, [row.label for row in rows])
        axes.set_xlim(left=0)
        axes.set_xlabel(unit)

    told = (f"{row.label}: ours {row.ours}, best sellers {row.best_sellers.mean:.3f}" for row in rows)
    return drawn(name, f"{of}. {'; '.join(told)}.", len(rows) * _ROW * 1.25 + 0.6, draw)


def differences(name: str, of: str, rows: Mapping[str, Interval], *, unit: str) -> Markup:
    """A dot and its interval a row, beside a line where there is no difference; arguments as in `bars`."""

    def draw(axes: Axes) -> None:
        for place, difference in enumerate(rows.values()):
            axes.hlines(place, difference.low, difference.high, color=COLOURS["method-3"], linewidth=2)
            axes.plot(difference.mean, place, "o", color=COLOURS["method-3"], markersize=6)
        axes.axvline(0, color=COLOURS["ink"], linewidth=1)
        _label_rows(axes, list(rows))
        axes.set_xlabel(unit)

    told = (f"{label}: {difference}" for label, difference in rows.items())
    return drawn(name, f"{of}. {'; '.join(told)}.", len(rows) * _ROW * 0.8 + 0.6, draw)


def shares(name: str, of: str, rows: Mapping[str, Interval]) -> Markup:
    """A whole a row, parted into a share, with its interval, and the rest; arguments as in `bars`."""

    def draw(axes: Axes) -> None:
        for place, share in enumerate(rows.values()):
            axes.barh(place, 1, height=0.55, color=COLOURS["line"])
            _bar(axes, place, share, "method-3", 1.0, height=0.55)
        _label_rows(axes, [f"{label}: {share.mean:.0%}" for label, share in rows.items()])
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))

    told = (f"{label}: {share.mean:.0%}" for label, share in rows.items())
    return drawn(name, f"{of}. {'; '.join(told)}.", len(rows) * _ROW + 0.5, draw)


def curves(name: str, of: str, methods: Mapping[str, Sequence[TradeOff]]) -> Markup:
    """Recall beside coverage, a line a method, a dot a length of list; arguments as in `bars`."""

    def draw(axes: Axes) -> None:
        for method, steps in methods.items():
            recall, coverage = [step.recall for step in steps], [step.coverage for step in steps]
            colour = COLOURS[colour_of(method, list(methods))]
            axes.plot(recall, coverage, "o-", color=colour, markersize=5, linewidth=1.6, clip_on=False)
        # Of lengths that find the same, the shortest is named: the others would be written over it.
        named = {round(step.recall, 2): step for step in reversed(next(iter(methods.values())))}
        for step in named.values():
            at = (step.recall, step.coverage)
            axes.annotate(f"{step.length}", at, (-4, 5), textcoords="offset points", ha="right")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(linewidth=0.7)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel("share of a customer's purchases in the list")
        axes.set_ylabel("share of the items shown")

    told = (
        f"{method}, {step.length} places: recall {step.recall:.1%}, coverage {step.coverage:.1%}"
        for method, steps in methods.items()
        for step in steps
    )
    return drawn(name, f"{of}. {'; '.join(told)}.", 3.4, draw)


def colour_of(method: str, methods: Sequence[str]) -> str:
    """Name of a method's colour; after the last one they begin again at the third."""
    place = list(methods).index(method)
    return _METHODS[place if place < len(_METHODS) else 2 + (place - 2) % (len(_METHODS) - 2)]


def _bar(
    axes: Axes, place: float, value: Interval, colour: str, opacity: float, *, height: float = 0.34
) -> None:
    axes.barh(place, value.mean, height=height, color=COLOURS[colour], alpha=opacity)
    # Within a dark bar an interval is only seen with a seam of the page's colour around it.
    for colour_name, width in (("page", 3.2), ("ink", 1.2)):
        axes.hlines(place, value.low, value.high, color=COLOURS[colour_name], linewidth=width)


def _label_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [shorten(label, _LONGEST_LABEL, placeholder="…") for label in labels])
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.7)


def drawn(name: str, label: str, height: float, draw: Callable[[Axes], None]) -> Markup:
    """A plot as an element of a page.

    Args:
        name: of the plot, unlike that of any other plot on the page.
        label: what is to be seen, for those who cannot see it.
        height: inches.
        draw: draws it, in `COLOURS`.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever the user's own matplotlibrc says
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure.subplots())
        written = StringIO()
        figure.savefig(written, format="svg", transparent=True)
    return _inlined(written.getvalue(), name, label, height)


def _inlined(svg: str, name: str, label: str, height: float) -> Markup:
    """A written SVG as an element of a page: its own ids, the page's colours, its sight in words."""
    drawing = svg[svg.index('<g id="figure_1">') : svg.rindex("</svg>")]
    drawing = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", drawing).replace("xlink:href", "href")
    drawing = re.sub(r"font-family: [^;\"]+(; )?", "", drawing)
    for colour, value in COLOURS.items():
        drawing = drawing.replace(value, f"var(--{colour})")
    box = f"0 0 {_WIDTH * 72:g} {height * 72:g}"
    return Markup(f'<svg viewBox="{box}" role="img" aria-label="{escape(label)}">\n{drawing}</svg>')
