"""Which items are one product in several sizes or colours."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from recommender.data.catalog import Catalog, Texts
from recommender.errors import ConfigError

GROUP_COLUMNS = (
    "item_group_id",
    "variant_group",
    "product_group_id",
    "parent_id",
    "parent_sku",
    "parent",
    "group",
)
"""Columns of an item file that usually hold what the variants of one product share, the surest first."""

MOST_VARIANTS = 200
"""No product comes in more sizes and colours: a column with a larger group is one of categories."""

_WORD = re.compile(r"<\w+>|\d?[^\W\d_]+|\d+")

_COLOURS = frozenset(
    _WORD.findall(
        "aqua beige black blue brown burgundy charcoal cyan gold gray green grey ivory khaki lilac "
        "fuchsia fuschia "  # codespell:ignore fuschia
        "magenta maroon mauve navy orange pink purple red silver teal turquoise white yellow"
    )
)
"""Without words that are as often a flower, a fruit, a taste or a stone: rose, cream, cherry, mint, amber."""

_SIZES = frozenset(_WORD.findall("small medium med large lge sml xs xl xxl xxxl 2xl 3xl 4xl"))

_KINDS = frozenset(
    _WORD.findall(
        "ale apple apples bean beans bear beer bread cabbage cheese chocolate currant currants curry fish "
        "fox grape grapes lentil lentils meat mustard olive olives onion onions pepper pepperoni peppers "
        "pesto potato potatoes pudding rice salmon sauce sugar tea tomato tomatoes vinegar wine wines"
    )
)
"""Before these a colour makes another thing of it: black tea is not green tea in another colour."""

_JOINING = frozenset(_WORD.findall("and for in of on the to with"))

_PACK = re.compile(
    r"\b(?:set|pack|box)\s*(?:of|/)\s*\d+\b|\bs/\s*\d+\b|\b\d+\s*-?(?:pack|pk|pcs?|pieces?|count|ct)\b"
)
_MEASURE = re.compile(
    r"\b\d+(?:[.,]\d+)?(?:\s*x\s*\d+(?:[.,]\d+)?)*\s*"
    r"(?:cm|m|ft|inch|inches|ml|cl|l|litres?|liters?|g|kg|oz|lbs?|gb|tb|watts?)\b"
)
_LAST_LETTER = re.compile(r"\b[sml]\s*$")
Pattern = tuple[str, ...]
"""Words of a title, with <colour>, <size>, <pack> and <measure> in the place of such words."""


def variant_groups(catalog: Catalog, column: str = "") -> NDArray[np.int32]:
    """Group of each item that other items are sizes, colours or packs of.

    What the item file says goes first: items with the same entry in `column`, or else in the first of
    `GROUP_COLUMNS` that the file has, are variants. Without such a column the titles are compared: equal
    but for the colours, sizes, packs and measures that stand in the same places, and of the same category
    and brand. Titles that several items bear name a kind of item rather than one, and those of fewer than
    two further words say too little: neither are compared. Made to miss variants rather than to take two
    products for one; the words are English.

    Args:
        catalog: what the shop says about its items.
        column: name of the column that variants share, `title` included; empty to look for one.

    Returns:
        Shape (n_items,) int32, numbered from 0 in the order of items; -1 for an item without variants.

    Raises:
        ConfigError: the item file has no such column.
    """
    given = _named_column(catalog, column) if column else _likely_column(catalog)
    return _numbered(given if given is not None else _alike_titles(catalog))


def pattern_of(title: str) -> Pattern | None:
    """What a title has in common with those of its variants; None where it says too little to tell."""
    plain = re.sub(r"['’`]", "", title.casefold())
    for found, name in ((_PACK, " <pack> "), (_MEASURE, " <measure> "), (_LAST_LETTER, " <size> ")):
        plain = found.sub(name, plain)
    words = _WORD.findall(plain)
    marked = [_marked(word, then) for word, then in zip(words, [*words[1:], ""], strict=True)]
    telling = [word for word in marked if word.isalpha() and len(word) > 1 and word not in _JOINING]
    return _colours_joined(marked) if len(telling) >= 2 else None


def _named_column(catalog: Catalog, column: str) -> Texts:
    columns = {**catalog.attributes, "title": catalog.title}
    if column not in columns:
        close = get_close_matches(column, columns, n=1)
        hint = f", did you mean {close[0]!r}?" if close else f"; it has {', '.join(sorted(columns))}"
        raise ConfigError(f"variant_column: the item file has no column {column!r}{hint}")
    return columns[column]


def _likely_column(catalog: Catalog) -> Texts | None:
    by_name = {name.strip().casefold().replace(" ", "_"): texts for name, texts in catalog.attributes.items()}
    found = (by_name[name] for name in GROUP_COLUMNS if name in by_name)
    return next((texts for texts in found if _largest_group(texts) <= MOST_VARIANTS), None)


def _largest_group(texts: Texts) -> int:
    return max(Counter(text for text in texts if text is not None).values(), default=0)


def _alike_titles(catalog: Catalog) -> list[Hashable | None]:
    plain = [" ".join(_WORD.findall((title or "").casefold())) for title in catalog.title]
    named = list(zip(plain, catalog.category, catalog.brand, strict=True))
    borne = Counter(named)
    patterns = [
        pattern_of(title) if title and borne[name] == 1 else None
        for title, name in zip(catalog.title, named, strict=True)
    ]
    return [pattern and (pattern, *name[1:]) for pattern, name in zip(patterns, named, strict=True)]


def _marked(word: str, then: str) -> str:
    if word in _COLOURS and then not in _KINDS:
        return "<colour>"
    return "<size>" if word in _SIZES else word


def _colours_joined(words: list[str]) -> Pattern:
    """Colours side by side or joined by and as one: pink, red/white, black and gold are a colour each."""
    joined: list[str] = []
    for word in words:
        if word == "<colour>" and joined[-2:] == ["<colour>", "and"]:
            joined.pop()
        elif word != "<colour>" or joined[-1:] != ["<colour>"]:
            joined.append(word)
    return tuple(joined)


def _numbered(keys: Sequence[Hashable | None]) -> NDArray[np.int32]:
    """Equal keys as equal numbers; -1 where there is no key, or nobody else has it."""
    count = Counter(key for key in keys if key is not None)
    number = {key: n for n, key in enumerate(key for key, items in count.items() if items > 1)}
    return np.array([number.get(key, -1) for key in keys], np.int32)
