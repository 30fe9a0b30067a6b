"""Rows of many customers in one entry, so that Redis keeps one key for all of them.

A key costs Redis about 100 bytes and a command, half of what 50 places take. So the rows of customers lie in
pages of about `PAGE_BYTES`, and the id alone says in which: CRC-32 of its UTF-8 modulo the number of pages,
which the manifest tells. Public: docs/snapshot-format.md, "Pages".

Only msgspec, because the service imports this on its way up; `paged_rows` writes them.
"""

import zlib
from collections.abc import Mapping

import msgspec

from recommender.errors import SnapshotUnreadable
from recommender.snapshot.encoding import entry_key

PAGE_BYTES = 3_000
"""Of a usual page: some fourteen lists of 50 places, little enough to be read for the sake of one.

No part of a snapshot's id, like the size of a row. So after a change of either a directory may ask for other
page counts than under the same id are live, by which running services look for rows: what is live is repaired
with the counts of its own manifest (`Publication.cut_into`), and only a new id gets the new ones.
"""

_ID_BYTES = 12  # of a usual id and what stands around it and its row

_PAGE = "-page:"
_DECODER = msgspec.msgpack.Decoder(dict[str, bytes])


def pages_for(rows: int, size: int) -> int:
    """Into how many pages so many rows of together `size` bytes are cut; 0 where there are none."""
    return -(-(size + rows * _ID_BYTES) // PAGE_BYTES)


def page_key(kind: str, page: int) -> str:
    """Key of the entry that holds a page of rows of this kind."""
    return entry_key(f"{kind}-page", str(page))


def is_page(key: str) -> bool:
    """Whether the entry of this key is a page."""
    return _PAGE in key.partition("{")[0]


def entry_of(key: str, pages: Mapping[str, int]) -> str:
    """Key of the entry that holds a row: that of its page, or the row's own where its kind has no pages.

    Args:
        key: of the row, as `entry_key` makes it.
        pages: of the snapshot's manifest.
    """
    kind, _, tagged = key.partition(":")
    count = pages.get(kind)
    return page_key(kind, zlib.crc32(tagged[1:-1].encode()) % count) if count else key


def row_in(page: bytes, key: str) -> bytes | None:
    """The row of this key in its page; None where it has none.

    Raises:
        SnapshotUnreadable: the page is damaged.
    """
    return decode_page(page).get(key.partition(":")[2][1:-1])


def decode_page(page: bytes) -> dict[str, bytes]:
    """The rows of a page by their ids.

    Raises:
        SnapshotUnreadable: the page is damaged.
    """
    try:
        return _DECODER.decode(page)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotUnreadable(
            f"a page of rows cannot be read ({error}): publish the snapshot again"
        ) from error
