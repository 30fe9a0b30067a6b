"""The inner loops that put the rows of customers into pages, byte for byte; layouts are told in `rows`."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, no_literal

_TEXT, _BINARY = no_literal(0xD9), no_literal(0xC4)
"""What a msgpack text or binary begins with."""

_BYTE, _SHORT, _WORD = no_literal(1), no_literal(2), no_literal(4)
"""Bytes of a number."""


@compiled
def crc32(
    text: NDArray[np.uint8], starts: NDArray[np.int64], table: NDArray[np.uint32], hashes: NDArray[np.uint32]
) -> None:
    """CRC-32 of every part of a text, as zlib works it out.

    Args:
        text: all parts, one after the other.
        starts: shape (n + 1,), where each begins, and the last one ends.
        table: shape (256,), the remainder that each byte leaves.
        hashes: shape (n,), written.
    """
    for part in range(len(hashes)):
        crc = np.uint32(0xFFFFFFFF)
        for byte in text[starts[part] : starts[part + 1]]:
            crc = table[(crc ^ byte) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
        hashes[part] = ~crc


@compiled
def frame(
    rows: NDArray[np.int64],
    cuts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    text: NDArray[np.uint8],
    id_starts: NDArray[np.int64],
    out: NDArray[np.uint8],
    row_at: NDArray[np.int64],
    page_ends: NDArray[np.int64],
) -> None:
    """Write pages but for what is in their rows: msgpack maps from id (str) to row (bin).

    Args:
        rows: shape (n,), whose rows they are, page by page.
        cuts: shape (pages + 1,), page p has `rows[cuts[p]:cuts[p + 1]]`.
        sizes: shape (n,), bytes of each row.
        text: all ids in UTF-8, one after the other.
        id_starts: where the id of each of them begins, and the last one ends.
        out: written from its start; large enough.
        row_at: shape (n,), written: where in `out` each row belongs.
        page_ends: shape (pages,), written: where each page ends.
    """
    at = 0
    for page in range(len(cuts) - 1):
        n = cuts[page + 1] - cuts[page]
        if n < 16:
            out[at] = 0x80 | n
            at += 1
        elif n < 1 << 16:
            out[at] = 0xDE
            at = _big_endian(n, _SHORT, out, at + 1)
        else:
            out[at] = 0xDF
            at = _big_endian(n, _WORD, out, at + 1)
        for place in range(cuts[page], cuts[page + 1]):
            start, end = id_starts[rows[place]], id_starts[rows[place] + 1]
            if end - start < 32:
                out[at] = 0xA0 | (end - start)
                at += 1
            else:
                at = _sized(_TEXT, end - start, out, at)
            for byte in range(start, end):
                out[at + byte - start] = text[byte]
            at = _sized(_BINARY, sizes[place], out, at + end - start)
            row_at[place] = at
            at += sizes[place]
        page_ends[page] = at


@compiled
def _sized(kind: int, length: int, out: NDArray[np.uint8], at: int) -> int:
    """Begin a msgpack text or binary of this length; return where its content belongs."""
    if length < 1 << 8:
        out[at] = kind
        return _big_endian(length, _BYTE, out, at + 1)
    if length < 1 << 16:
        out[at] = kind + 1
        return _big_endian(length, _SHORT, out, at + 1)
    out[at] = kind + 2
    return _big_endian(length, _WORD, out, at + 1)


@compiled
def _big_endian(number: int, width: int, out: NDArray[np.uint8], at: int) -> int:
    for byte in range(width):
        out[at + byte] = (number >> (8 * (width - 1 - byte))) & 0xFF
    return at + width


@compiled
def put_ranks(
    rows: NDArray[np.int64],
    row_at: NDArray[np.int64],
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    scores: NDArray[np.float32],
    sources: NDArray[np.uint8],
    bought: NDArray[np.bool_],
    wide: bool,
    bounds: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> bool:
    """Write lists in narrow or wide layout, but for the bytes of their best and worst scores.

    Args:
        rows: shape (n,), rows of the table that are written; none is empty.
        row_at: shape (n,), where in `out` each belongs.
        starts: of the table, as the four after it.
        items: see there.
        scores: see there.
        sources: see there.
        bought: see there.
        wide: the layout.
        bounds: shape (n, 2), written: best and worst score of each.
        out: written.

    Returns:
        False where a score is no finite number; what is written then is of no use.
    """
    most = np.int64(0)
    for row in rows:
        most = max(most, starts[row + 1] - starts[row])
    words, levels = np.empty(most, np.uint32), np.empty(most, np.uint8)
    in_bytes = words.view(np.uint8)
    for place in range(len(rows)):
        # Slices, because the compiler knows that positions in them are not negative.
        row = slice(starts[rows[place]], starts[rows[place] + 1])
        ranked = scores[row]
        n, at = len(ranked), row_at[place]
        best, worst = _bounds(ranked)
        if np.isnan(best):
            return False
        bounds[place, 0], bounds[place, 1] = best, worst
        _take_steps(ranked, best, worst, levels)
        out[at] = 5 if wide else 4
        if wide:
            _pack_wide(items[row], sources[row], bought[row], words)
            _put(levels, out[at + 5 + 4 * n : at + 5 + 5 * n])
        else:
            _pack_narrow(items[row], sources[row], bought[row], levels, words)
        _put(in_bytes, out[at + 5 : at + 5 + 4 * n])
    return True


@compiled
def _put(some: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Fill `out` with the first of them; to assign to a slice would take a second to compile."""
    for byte in range(len(out)):
        out[byte] = some[byte]


@compiled
def _bounds(scores: NDArray[np.float32]) -> tuple[np.float32, np.float32]:
    """The best and the worst; NaN where one is no finite number."""
    best, worst, finite = scores[0], scores[0], True
    for p in range(len(scores)):
        score = scores[p]
        finite = finite and np.isfinite(score)
        best, worst = max(best, score), min(worst, score)
    return (best, worst) if finite else (np.float32(np.nan), np.float32(np.nan))


@compiled
def _take_steps(
    scores: NDArray[np.float32], best: np.float32, worst: np.float32, levels: NDArray[np.uint8]
) -> None:
    """Each score as a step from the worst, 0, to the best, 255."""
    # In double precision the difference of two single ones is always finite.
    low = np.float64(worst)
    span = np.float64(best) - low
    steps = 255.0 / span if span > 0 else 0.0
    for p in range(len(scores)):
        levels[p] = np.int32((np.float64(scores[p]) - low) * steps + 0.5)


@compiled
def _pack_narrow(
    items: NDArray[np.int32],
    sources: NDArray[np.uint8],
    bought: NDArray[np.bool_],
    levels: NDArray[np.uint8],
    words: NDArray[np.uint32],
) -> None:
    for p in range(len(items)):
        tag = np.uint32(sources[p]) | (np.uint32(bought[p]) << np.uint32(4))
        high = tag << np.uint32(19) | (np.uint32(levels[p]) << np.uint32(24))
        words[p] = np.uint32(items[p]) | high


@compiled
def _pack_wide(
    items: NDArray[np.int32],
    sources: NDArray[np.uint8],
    bought: NDArray[np.bool_],
    words: NDArray[np.uint32],
) -> None:
    for p in range(len(items)):
        tag = np.uint32(sources[p]) | (np.uint32(bought[p]) << np.uint32(7))
        words[p] = np.uint32(items[p]) | tag << np.uint32(24)


@compiled
def put_orders(
    rows: NDArray[np.int64],
    row_at: NDArray[np.int64],
    starts: NDArray[np.int64],
    items: NDArray[np.int32],
    scores: NDArray[np.float32],
    sources: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Write past orders; arguments as of `put_ranks`."""
    for place in range(len(rows)):
        start, end, at = starts[rows[place]], starts[rows[place] + 1], row_at[place]
        out[at], out[at + 1] = 3, sources[start]
        low, high = at + 2, at + 2 + 2 * (end - start)
        for p in range(start, end):
            item = np.int64(items[p])
            older = p > start and scores[p] != scores[p - 1]
            out[low] = item & 0xFF
            out[low + 1] = (item >> 8) & 0xFF
            out[high + p - start] = (item >> 16) | (0x80 if older else 0)
            low += 2


@compiled
def put_reasons(
    rows: NDArray[np.int64],
    row_at: NDArray[np.int64],
    starts: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    values: NDArray[np.int32],
    largest: int,
    out: NDArray[np.uint8],
) -> None:
    """Write reasons, their values `largest` at most; other arguments as of `put_ranks`."""
    for place in range(len(rows)):
        at = row_at[place]
        for p in range(starts[rows[place]], starts[rows[place] + 1]):
            value = np.int64(values[p]) if values[p] < largest else largest
            out[at] = value & 0xFF
            out[at + 1] = (value >> 8) & 0xFF
            out[at + 2] = (value >> 16) & 0xFF
            out[at + 3] = kinds[p]
            at += 4
