"""What a snapshot says about itself."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from recommender.snapshot.encoding import FORMAT_VERSION

FINDINGS = "findings.json"


class Counts(msgspec.Struct, frozen=True):
    """What the snapshot was learned from.

    Attributes:
        lines: purchase lines, returns taken off.
        orders: distinct orders.
        customers: known customers with a purchase.
        items: items sold.
        interest: views and carts; nothing where they were not learned from.
    """

    lines: int
    orders: int
    customers: int
    items: int
    interest: int | msgspec.UnsetType = msgspec.UNSET


class Made(msgspec.Struct, frozen=True):
    """How many lists an update made; it carried the others over.

    Attributes:
        made: so many.
        of: of so many.
    """

    made: int
    of: int


class Updated(msgspec.Struct, frozen=True, kw_only=True):
    """What an update went on from.

    Attributes:
        previous: id of the snapshot that lists and factors were carried over from.
        full: id of the last snapshot of which everything was learned: the ranker, what relations are worth
            in a cart and the figures are its own.
        full_until: newest order line that it was learned from, RFC 3339 UTC.
        full_generated_at: when it was trained, RFC 3339 UTC; no part of the id.
        customers: customers' lists.
        items: items' lists.
    """

    previous: str
    full: str
    full_until: str
    full_generated_at: str
    customers: Made
    items: Made


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """First file of a snapshot directory to be read, and the last to be written.

    Attributes:
        format: version of the layout.
        snapshot: id: time of the newest order line and the start of the content's digest.
        generated_at: when it was trained, RFC 3339 UTC; no part of the id.
        data_from: oldest order line learned from, RFC 3339 UTC.
        data_until: newest order line learned from, RFC 3339 UTC.
        data_fingerprint: SHA-256 of the clean order log.
        counts: what was learned from.
        sources: names behind the source numbers of the lists.
        ranked_by: what ordered the customers' lists, and why, in words.
        settings: every setting of the training but for where the orders came from.
        figures: verdict on the held-out days, None where the history was too short for one.
        versions: of the libraries that had a say in the numbers.
        files: SHA-256 of every other file of the directory, by its path in it.
        updated: what an update went on from; not there where everything was learned anew.
        full_seconds: how long the training took, of an update that of `updated.full`; no part of the id, and
            not there where nobody measured it.
    """

    format: int = FORMAT_VERSION
    snapshot: str
    generated_at: str
    data_from: str
    data_until: str
    data_fingerprint: str
    counts: Counts
    sources: tuple[str, ...]
    ranked_by: str
    settings: Mapping[str, object]
    figures: Mapping[str, object] | None
    versions: Mapping[str, str]
    files: Mapping[str, str]
    updated: Updated | msgspec.UnsetType = msgspec.UNSET
    full_seconds: float | msgspec.UnsetType = msgspec.UNSET


def snapshot_id(manifest: Manifest) -> str:
    """The id that the content of a manifest deserves; the same content always has the same."""
    # The findings name the files that were read, which may be called otherwise elsewhere.
    files = {name: digest for name, digest in manifest.files.items() if name != FINDINGS}
    updated = manifest.updated
    if updated is not msgspec.UNSET:
        updated = msgspec.structs.replace(updated, full_generated_at="")
    content = msgspec.structs.replace(
        manifest, snapshot="", generated_at="", files=files, updated=updated, full_seconds=msgspec.UNSET
    )
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    newest = datetime.fromisoformat(manifest.data_until)
    return f"{newest:%Y%m%dT%H%M%SZ}-{digest[:8]}"


def rfc3339(seconds: int) -> str:
    """Seconds since 1970 UTC as `2011-12-09T12:50:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
