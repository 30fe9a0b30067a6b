"""Millions of texts in alphabetical order: by numbers made of their bytes, which sort faster than texts."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.data.groups import ties

_WORD = 8
"""Bytes of a text that one number holds."""

_KEPT = np.array([0, *(~np.uint64(0) << np.uint64(64 - 8 * n) for n in range(1, _WORD + 1))], np.uint64)
"""What stays of a word of which only the first so many bytes belong to the text."""


def text_order(texts: pl.Series) -> NDArray[np.intp]:
    """Positions by rising text, by code points as Python and polars sort, shape (n_texts,).

    Args:
        texts: none null; of equal ones either may go first.
    """
    if texts.is_empty():
        return np.zeros(0, np.intp)
    word = _first_words(texts)
    place = np.argsort(word)
    tied, group = ties(word[place])
    if len(tied):
        at = place[tied]
        alike = pl.DataFrame({"group": group, "text": texts.gather(at), "at": at})
        place[tied] = alike.sort("group", "text")["at"].to_numpy()
    return place


def _first_words(texts: pl.Series) -> NDArray[np.uint64]:
    """The first bytes of each text after those that all begin with, as numbers that sort as they do."""
    data, ends = bytes_of(texts)
    first, last = (str(end).encode() for end in (texts.min(), texts.max()))
    start = np.append(0, ends[:-1]) + _alike(first, last)
    text = np.frombuffer(data + bytes(_WORD), np.uint8)
    # A word begins at every byte.
    words: NDArray[np.uint64] = np.ndarray((len(data) + 1,), ">u8", text, strides=(1,))
    kept = _KEPT[np.minimum(ends - start, _WORD)]
    return np.asarray(words[start] & kept, np.uint64)


def _alike(one: bytes, other: bytes) -> int:
    """With how many bytes both begin."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def bytes_of(texts: pl.Series) -> tuple[bytes, NDArray[np.int64]]:
    """UTF-8 of all texts, one after another, and where each ends in it, shape (n_texts,)."""
    ends = texts.str.len_bytes().cast(pl.Int64).cum_sum().to_numpy()
    return b"".join(texts.str.join("").cast(pl.Binary)), ends
