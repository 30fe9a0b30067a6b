"""How sure an experiment became from day to day, as a plot of its report."""

from collections.abc import Mapping, Sequence
from datetime import date

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from recommender.evaluation.intervals import Interval

from .evaluation_plots import COLOURS, colour_of, drawn


def bands(
    name: str, of: str, days: Sequence[date], variants: Mapping[str, Sequence[Interval]], *, unit: str
) -> Markup:
    """A line a variant in the band of its intervals, beside a line where there is no difference.

    Args:
        name: of the plot, unlike that of any other plot on the page.
        of: what is shown, for those who cannot see it.
        days: when it was looked at, at least one.
        variants: a finite interval a day each.
        unit: of the difference.
    """
    places = [day.toordinal() for day in days]

    def draw(axes: Axes) -> None:
        for variant, intervals in variants.items():
            colour = COLOURS[colour_of(variant, list(variants))]
            low, high = [one.low for one in intervals], [one.high for one in intervals]
            axes.fill_between(places, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(places, [one.mean for one in intervals], "o-", color=colour, markersize=3)
        axes.axhline(0, color=COLOURS["ink"], linewidth=1)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda day, _: f"{date.fromordinal(int(day)):%d %b}"))
        axes.set_ylabel(unit)
        axes.grid(axis="y", linewidth=0.7)

    told = (f"{variant} at last {intervals[-1]}" for variant, intervals in variants.items())
    return drawn(name, f"{of}. {'; '.join(told)}.", 3.2, draw)
