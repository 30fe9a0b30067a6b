"""Ids of answers, which say what the answer was: written by the service, read wherever events are counted.

An id is URL-safe base64 without padding of

    tag (12 bytes) · version (1) · call (1) · source (1) · texts, NUL between them · check (2)

The tag is a hash of the question and of the snapshot, known before an answer is made: the first 16 characters
of the id, which caches are given as ETag. The texts are snapshot, placement, experiment and variant, empty
where there is none. Nothing is signed: whoever may send events can make an id up.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc_hqx
from functools import lru_cache

from msgspec import Struct

TAG_BYTES = 12
TAG_CHARACTERS = TAG_BYTES * 4 // 3
"""Of the tag as it stands in ids."""

MOST_NAME_BYTES = 32
"""Longest name of an experiment and of a variant."""

CALLS = (
    "",
    "recommendations",
    "customer",
    "similar",
    "bought_together",
    "cart",
    "best_sellers",
    "buy_again",
    "customer_bundles",
    "item_bundles",
    "bundles",
)
"""Calls by their number in an id. Only ever added to: ids of years ago are read by it."""

SOURCES = ("", "personal", "session", "co_purchase", "similar", "best_sellers", "nothing", "due")
"""Rungs by their number in an id; see `CALLS`."""

_VERSION = 1
_CHECK_BYTES = 2
_BETWEEN = b"\0"

# Together with what is fixed 188 bytes, so 252 characters: events take ids of 256.
_MOST_SNAPSHOT_BYTES = 64
_MOST_PLACEMENT_BYTES = 40


class Shown(Struct, frozen=True):
    """What an answer was.

    Attributes:
        call: which call asked for it; "" for one that this version does not know.
        source: the rung that answered; "" for one that this version does not know.
        snapshot: id of the snapshot; of a longer one its first 64 bytes.
        placement: label in the request; of a longer one its first 40 bytes. None without one.
        experiment: name of the experiment that it is part of, if it is.
        variant: name of the variant that the customer has in it.
    """

    call: str
    source: str
    snapshot: str
    placement: str | None = None
    experiment: str | None = None
    variant: str | None = None


def recommendation_id(tag: bytes, shown: Shown) -> str:
    """The id of an answer.

    Args:
        tag: of the question, `TAG_BYTES`.
        shown: what the answer is; names of calls and rungs that are not listed here are left out.
    """
    described = tag + _described(shown)
    return _text(described + crc_hqx(described, _VERSION).to_bytes(_CHECK_BYTES))


def tag_text(tag: bytes) -> str:
    """The tag as it stands in ids."""
    return _text(tag)


def tag_of(id_: str) -> str:
    """The tag of an id that we made."""
    return id_[:TAG_CHARACTERS]


def read_recommendation_id(id_: str | None) -> Shown | None:
    """What an id says; None for one that is damaged, not ours, of another version, or not there."""
    packed = _packed(id_ or "")
    if len(packed) < TAG_BYTES + 3 + _CHECK_BYTES:
        return None
    described, check = packed[:-_CHECK_BYTES], packed[-_CHECK_BYTES:]
    version, call, source = described[TAG_BYTES : TAG_BYTES + 3]
    texts = described[TAG_BYTES + 3 :].split(_BETWEEN)
    if version != _VERSION or crc_hqx(described, _VERSION).to_bytes(_CHECK_BYTES) != check or len(texts) != 4:
        return None
    try:
        snapshot, *others = (text.decode() for text in texts)
    except UnicodeDecodeError:
        return None
    return Shown(_name(CALLS, call), _name(SOURCES, source), snapshot, *(text or None for text in others))


@lru_cache(4_096)
def _described(shown: Shown) -> bytes:
    texts = (
        (shown.snapshot, _MOST_SNAPSHOT_BYTES),
        (shown.placement, _MOST_PLACEMENT_BYTES),
        (shown.experiment, MOST_NAME_BYTES),
        (shown.variant, MOST_NAME_BYTES),
    )
    numbers = bytes((_VERSION, _number(CALLS, shown.call), _number(SOURCES, shown.source)))
    return numbers + _BETWEEN.join(_cut(text or "", most) for text, most in texts)


def _cut(text: str, most: int) -> bytes:
    # Cut within a character it would be no UTF-8; with a NUL there would be one text more.
    return text.replace("\0", "").encode()[:most].decode(errors="ignore").encode()


def _number(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else 0


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else ""


def _text(packed: bytes) -> str:
    return urlsafe_b64encode(packed).rstrip(b"=").decode()


def _packed(text: str) -> bytes:
    """The bytes of an id; none where it is no base64, or not written as we write it."""
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return packed if _text(packed) == text else b""
