"""Which preset a table looks like, for a shop that named none."""

from collections.abc import Sequence

from recommender.data.columns import present
from recommender.data.order_lines import LineFormat
from recommender.errors import DataError

from ..presets import PRESETS
from ..settings import load_settings


def preset_hint(columns: Sequence[str]) -> str:
    """The presets that find all they need among these columns, as the end of a message; else nothing."""
    fitting = [name for name in PRESETS if _fits(load_settings(preset=name).source.line_format, columns)]
    return f", or use --preset {' or '.join(fitting)}, whose columns are all there" if fitting else ""


def _fits(form: LineFormat, columns: Sequence[str]) -> bool:
    try:
        present(form.columns, columns, where="", may_lack=form.may_lack)
    except DataError:
        return False
    return True
