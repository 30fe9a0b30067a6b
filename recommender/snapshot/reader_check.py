"""What a service insists on before it answers from a snapshot, to be known before the snapshot is live."""

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec
import numpy as np

from recommender.errors import SnapshotUnreadable
from recommender.ranking.lists import RecommendationList
from recommender.ranking.reasons import BECAUSE_YOU_BOUGHT, Reasons
from recommender.snapshot.bundle_rows import bundle_key, decode_bundles, decode_own
from recommender.snapshot.due_rows import decode_due
from recommender.snapshot.encoding import (
    StoredManifest,
    decode_items,
    decode_manifest,
    entry_key,
)
from recommender.snapshot.factors import FACTORS_KEY, decode_factors, decode_head, factor_key
from recommender.snapshot.pages import decode_page, entry_of, is_page
from recommender.snapshot.rows import decode_evidence, decode_list, decode_reasons

MANIFEST_KEY = entry_key("manifest")

_NO_LISTS = ("items:", "factors:", FACTORS_KEY, "bundle-table:")
_READ_FIRST = (*_NO_LISTS, "best-sellers:")


def is_read_first(key: str) -> bool:
    """Whether a service reads this entry before it answers anything."""
    return key == MANIFEST_KEY or key.startswith(_READ_FIRST)


def check_readable(snapshot: str, entries: Mapping[str, bytes]) -> None:
    """Decode entries as a service does, of each page the first row.

    Args:
        snapshot: id under which a reader finds them.
        entries: all that `is_read_first`, and any others.

    Raises:
        SnapshotUnreadable: an entry that is read first is missing, or one cannot be decoded or means nothing.
    """
    manifest = _manifest(snapshot, entries)
    _check_items(manifest, entries)
    _check_factors(manifest, entries)
    n_bundles = _checked_bundles(manifest, entries)
    for group in ("", *manifest.categories):
        _entry(entries, entry_key("best-sellers", group))
    for key, row in entries.items():
        if is_page(key):
            _check_page(key, row, manifest, n_bundles)
        elif key != MANIFEST_KEY and not key.startswith(_NO_LISTS):
            _check_row(key, row, manifest, n_bundles)


def _check_page(key: str, page: bytes, manifest: StoredManifest, n_bundles: int) -> None:
    kind = key.partition("-page:")[0]
    for id_, row in islice(decode_page(page).items(), 1):
        if entry_of(entry_key(kind, id_), manifest.pages) != key:
            raise SnapshotUnreadable(f"{id_!r} stands in {key}, where no reader looks for it")
        _check_row(entry_key(kind, id_), row, manifest, n_bundles)


def _check_row(key: str, row: bytes, manifest: StoredManifest, n_bundles: int) -> None:
    match key.partition(":")[0]:
        case "reasons":
            check_reasons(key, decode_reasons(row), manifest)
        case "evidence":
            decode_evidence(row)
        case "due":
            decode_due(row, manifest.n_items)
        case "bundles":
            decode_own(row, n_bundles)
        case kind:
            check_list(f"the list {key}", decode_list(row), manifest, once=kind != "orders")


def check_list(name: str, ranked: RecommendationList, manifest: StoredManifest, *, once: bool = True) -> None:
    """Refuse a list that means nothing in its snapshot.

    Args:
        name: what to call it.
        ranked: the decoded list.
        manifest: of its snapshot.
        once: whether no item may stand there twice, as in past orders it may.

    Raises:
        SnapshotUnreadable: says what is wrong with it.
    """
    if not np.isfinite(ranked.scores).all():
        raise SnapshotUnreadable(f"{name} has a score that is no finite number")
    if ranked.items.max(initial=0) >= manifest.n_items:
        raise SnapshotUnreadable(f"{name} holds an item beyond the table of {manifest.n_items:,}")
    if ranked.sources.max(initial=0) >= len(manifest.sources):
        raise SnapshotUnreadable(f"{name} names a source that the manifest does not")
    # A set of so few numbers is made in a third of the time that numpy takes.
    if once and len(set(ranked.items.tolist())) != len(ranked):
        raise SnapshotUnreadable(f"{name} holds an item twice")


def check_reasons(name: str, reasons: Reasons, manifest: StoredManifest) -> None:
    """Refuse reasons that mean nothing in their snapshot; arguments and errors as of `check_list`."""
    anchors = reasons.values[reasons.kinds == BECAUSE_YOU_BOUGHT]
    if not np.all(anchors < manifest.n_items):
        raise SnapshotUnreadable(f"{name} names an item beyond the table of {manifest.n_items:,}")


def is_same_snapshot(one: bytes, other: bytes) -> bool:
    """Whether two manifests differ at most in when it was trained and whether it was published by force.

    False for a damaged one.
    """
    try:
        manifests = [decode_manifest(raw) for raw in (one, other)]
    except SnapshotUnreadable:
        return False
    first, second = (msgspec.structs.replace(manifest, generated_at="", forced=()) for manifest in manifests)
    return first == second


def _manifest(snapshot: str, entries: Mapping[str, bytes]) -> StoredManifest:
    manifest = decode_manifest(_entry(entries, MANIFEST_KEY))
    if manifest.snapshot != snapshot:
        raise SnapshotUnreadable(f"its manifest calls it {manifest.snapshot}")
    return manifest


def _check_items(manifest: StoredManifest, entries: Mapping[str, bytes]) -> None:
    item_ids = list(_item_ids(manifest, entries))
    if len(item_ids) != manifest.n_items:
        raise SnapshotUnreadable(
            f"it has {len(item_ids):,} items in its table and {manifest.n_items:,} in its manifest"
        )
    if len(set(item_ids)) != len(item_ids):
        raise SnapshotUnreadable("its item table lists an item twice")


def _check_factors(manifest: StoredManifest, entries: Mapping[str, bytes]) -> None:
    if manifest.factor_chunks:
        head = decode_head(_entry(entries, FACTORS_KEY), manifest.n_items)
        decode_factors(head, [_entry(entries, factor_key(chunk)) for chunk in range(manifest.factor_chunks)])


def _checked_bundles(manifest: StoredManifest, entries: Mapping[str, bytes]) -> int:
    """How many bundles there are."""
    chunks = [_entry(entries, bundle_key(chunk)) for chunk in range(manifest.bundle_chunks)]
    return len(decode_bundles(chunks, manifest.n_items))


def _item_ids(manifest: StoredManifest, entries: Mapping[str, bytes]) -> Iterator[str]:
    for chunk in range(manifest.item_chunks):
        yield from (item.item_id for item in decode_items(_entry(entries, entry_key("items", str(chunk)))))


def _entry(entries: Mapping[str, bytes], key: str) -> bytes:
    if key not in entries:
        raise SnapshotUnreadable(f"the entry {key} is missing")
    return entries[key]
