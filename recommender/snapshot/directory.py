"""A snapshot as an immutable directory. Public: docs/snapshot-format.md."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.data.catalog import COLUMNS, Catalog, Texts
from recommender.data.fingerprints import Fingerprints
from recommender.data.orders import OrderLog
from recommender.data.packed_ids import PackedIds
from recommender.data.vocabulary import Vocabulary
from recommender.errors import ConfigError, SnapshotError, SnapshotMissing, SnapshotUnreadable
from recommender.models.archive import load_model, save_model
from recommender.models.cart_trees import CartTreesModel
from recommender.models.registry import FITTED
from recommender.ranking.evidence import Evidence
from recommender.ranking.lists import ListTable
from recommender.ranking.ranker import TreeRanker
from recommender.ranking.reasons import Reasons
from recommender.ranking.session_factors import SessionFactors
from recommender.snapshot.encoding import FORMAT_VERSION
from recommender.snapshot.manifest import FINDINGS, Manifest, snapshot_id
from recommender.snapshot.optional_parts import PARTS, load_parts, save_parts

MANIFEST = "manifest.json"
_ATTRIBUTE = "attribute:"
_REASONS = "reasons"
_EVIDENCE = "evidence"
TABLES = ("recommended", "past_orders", "similar", "bought_together", "best_sellers", "local_best_sellers")


@dataclass(frozen=True, slots=True)
class Lists:
    """Every list of a snapshot.

    Attributes:
        recommended: one row a customer; repeats and discoveries in one order, see `ranking.build.of_mode`.
        reasons: why each place of `recommended` is there.
        past_orders: one row a customer: what they bought lately, see `ranking.past_orders`.
        similar: one row an item: what the same customers buy.
        bought_together: one row an item: what stands in the same orders.
        evidence: what speaks for each place of `bought_together`.
        best_sellers: one row an entry of `groups`.
        groups: "" for the whole shop, then the categories.
        local_best_sellers: one row an entry of `places`.
        places: where orders went, those with a list.
    """

    recommended: ListTable
    reasons: Reasons
    past_orders: ListTable
    similar: ListTable
    bought_together: ListTable
    evidence: Evidence
    best_sellers: ListTable
    groups: tuple[str, ...]
    local_best_sellers: ListTable
    places: tuple[str, ...]

    def __post_init__(self) -> None:
        for beside, table in ((self.reasons, self.recommended), (self.evidence, self.bought_together)):
            if len(beside) != len(table.items):
                raise ValueError("every place of a customer's list has a reason, of an item's its evidence")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete, immutable result of a training.

    Attributes:
        manifest: what it says about itself.
        catalog: what is known of the items; its order is that of the positions in lists.
        customers: order of the rows of `lists.recommended`.
        lists: the lists.
        models: fitted models by name.
        ranker: what ordered the customers' lists; None where the blend did.
        findings: what was odd about the orders, as plain data.
        cart_trees: what relations of items were worth in carts; None where that could not be told.
        fingerprints: what the lists go by, so that an update can tell whose hold; None where
            nobody took them.
        session_factors: what sessions are placed by; None where ALS has no say.
        due: what customers will soon buy again, in the order of `customers`; None where it could not be told.
        bundles: what is proposed as one offer; None where nobody looked for it.
        own_bundles: which of them fit each customer, in the order of `customers`; None likewise.
    """

    manifest: Manifest
    catalog: Catalog
    customers: Vocabulary
    lists: Lists
    models: Mapping[str, Any]
    ranker: TreeRanker | None
    findings: list[dict[str, object]]
    cart_trees: CartTreesModel | None = None
    fingerprints: Fingerprints | None = None
    session_factors: SessionFactors | None = None
    due: DueTable | None = None
    bundles: BundleTable | None = None
    own_bundles: OwnBundles | None = None

    @property
    def snapshot_id(self) -> str:
        """Id of the snapshot."""
        return self.manifest.snapshot


def write_snapshot(snapshot: Snapshot, folder: Path) -> Snapshot:
    """Write a snapshot so that the folder is either whole or not there.

    Args:
        snapshot: its manifest's `snapshot` and `files` are filled in here.
        folder: must not exist yet, see `check_free`.

    Returns:
        The snapshot with its final manifest.

    Raises:
        ConfigError: the folder holds something.
        SnapshotError: it cannot be written; nothing is left of it.
    """
    check_free(folder)
    unfinished = folder.with_name(folder.name + ".unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        manifest = _write_whole(snapshot, unfinished)
        unfinished.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise SnapshotError(
            f"cannot write snapshot {folder} ({error.strerror or error}): make room, or name another folder"
        ) from error
    return replace(snapshot, manifest=manifest)


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        ConfigError: it exists and is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} already exists: snapshots are never overwritten; name a new folder or remove this one"
        )


def read_manifest(folder: Path) -> Manifest:
    """What the snapshot in a folder says about itself.

    Raises:
        SnapshotMissing: there is none.
        SnapshotUnreadable: another format version, or damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SnapshotMissing(
            f"{folder} holds no snapshot ({MANIFEST} is not there): write one with `cartlift train`"
        )
    try:
        raw = path.read_bytes()
        found = msgspec.json.decode(raw).get("format")
        if found != FORMAT_VERSION:
            raise SnapshotUnreadable(
                f"{folder} has snapshot format {found}, this version reads {FORMAT_VERSION}: train again, "
                "or use the version of cartlift that wrote it"
            )
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as error:
        raise SnapshotUnreadable(f"{path} cannot be read ({error}): train again") from error


def load_snapshot(folder: Path) -> Snapshot:
    """Read a snapshot back, after checking every file against its digest.

    Raises:
        SnapshotMissing: the folder holds none.
        SnapshotUnreadable: another format version, a file was changed, lost or added, or an older cartlift
            did not write it yet.
    """
    manifest = read_manifest(folder)
    _verify(manifest, folder)
    try:
        return _load_content(manifest, folder)
    except FileNotFoundError as error:
        raise SnapshotUnreadable(
            f"{folder} was written by another version of cartlift, which wrote other files ({error}): "
            "train again"
        ) from error


def _load_content(manifest: Manifest, folder: Path) -> Snapshot:
    items = pl.read_parquet(folder / "items.parquet")
    customers = Vocabulary(tuple(pl.read_parquet(folder / "customers.parquet")["customer_id"]))
    groups = tuple(pl.read_parquet(folder / "groups.parquet")["category"])
    places = tuple(pl.read_parquet(folder / "places.parquet")["place"])
    tables = {name: _load_table(folder / "lists" / name) for name in TABLES}
    return Snapshot(
        manifest=manifest,
        catalog=_catalog(items),
        customers=customers,
        lists=Lists(
            **tables,
            reasons=load_model(Reasons, folder / "lists" / _REASONS),
            evidence=load_model(Evidence, folder / "lists" / _EVIDENCE),
            groups=groups,
            places=places,
        ),
        models={name: load_model(FITTED[name], folder / "models" / name) for name in _model_names(folder)},
        findings=msgspec.json.decode((folder / FINDINGS).read_bytes()),
        **load_parts(folder),
    )


def fingerprint(orders: OrderLog) -> str:
    """SHA-256 of a clean order log, independent of the files and row order it came in."""
    digest = hashlib.sha256()
    for column in (
        orders.order,
        orders.customer,
        orders.item,
        orders.quantity,
        orders.unit_price,
        orders.ordered_at,
    ):
        digest.update(np.ascontiguousarray(column).data)
    for vocabulary in (orders.orders, orders.customers, orders.items):
        packed = PackedIds.of(vocabulary.ids)
        digest.update(packed.ends.data)
        digest.update(packed.text)
    return digest.hexdigest()


def _write_whole(snapshot: Snapshot, folder: Path) -> Manifest:
    """Write everything, the manifest last, and come back once it is on disk."""
    _write_content(snapshot, folder)
    manifest = msgspec.structs.replace(snapshot.manifest, files=_digests(folder))
    manifest = msgspec.structs.replace(manifest, snapshot=snapshot_id(manifest))
    written = msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2)
    (folder / MANIFEST).write_bytes(written)
    # The rename that follows must never become durable before the content does.
    for path in (folder, *folder.rglob("*")):
        _sync(path)
    return manifest


def _write_content(snapshot: Snapshot, folder: Path) -> None:
    _item_table(snapshot.catalog).write_parquet(folder / "items.parquet", statistics=False)
    pl.DataFrame({"customer_id": snapshot.customers.ids}, schema={"customer_id": pl.String}).write_parquet(
        folder / "customers.parquet", statistics=False
    )
    pl.DataFrame({"category": snapshot.lists.groups}, schema={"category": pl.String}).write_parquet(
        folder / "groups.parquet", statistics=False
    )
    pl.DataFrame({"place": snapshot.lists.places}, schema={"place": pl.String}).write_parquet(
        folder / "places.parquet", statistics=False
    )
    for name in TABLES:
        save_model(getattr(snapshot.lists, name), folder / "lists" / name)
    save_model(snapshot.lists.reasons, folder / "lists" / _REASONS)
    save_model(snapshot.lists.evidence, folder / "lists" / _EVIDENCE)
    for name, model in snapshot.models.items():
        save_model(model, folder / "models" / name)
    save_parts({name: getattr(snapshot, name) for name in PARTS}, folder)
    (folder / FINDINGS).write_bytes(
        msgspec.json.format(msgspec.json.encode(snapshot.findings, order="sorted"), indent=2)
    )


def _item_table(catalog: Catalog) -> pl.DataFrame:
    columns = {"item_id": catalog.items.ids} | {name: getattr(catalog, name) for name in COLUMNS}
    attributes = {_ATTRIBUTE + name: catalog.attributes[name] for name in sorted(catalog.attributes)}
    numbers = {"price": pl.Float32, "available": pl.Boolean, "released_at": pl.Int64}
    return pl.DataFrame(
        columns | attributes, schema={name: numbers.get(name, pl.String) for name in columns | attributes}
    )


def _catalog(items: pl.DataFrame) -> Catalog:
    def texts(name: str) -> Texts:
        return tuple(items[name])

    attributes = [name for name in items.columns if name.startswith(_ATTRIBUTE)]
    return Catalog(
        items=Vocabulary(tuple(items["item_id"])),
        title=texts("title"),
        category=texts("category"),
        brand=texts("brand"),
        price=items["price"].to_numpy(),
        available=items["available"].to_numpy(),
        released_at=items["released_at"].to_numpy(),
        url=texts("url"),
        image_url=texts("image_url"),
        attributes={name.removeprefix(_ATTRIBUTE): texts(name) for name in attributes},
    )


def _load_table(folder: Path) -> ListTable:
    table: ListTable = load_model(ListTable, folder)
    return table


def _model_names(folder: Path) -> list[str]:
    return [name for name in FITTED if (folder / "models" / name).is_dir()]


def _digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    # Hashing lets go of the interpreter, so that threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = pool.map(_digest, paths)
        return {
            path.relative_to(folder).as_posix(): digest for path, digest in zip(paths, digests, strict=True)
        }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(manifest: Manifest, folder: Path) -> None:
    found = _digests(folder)
    wrong = sorted(
        name for name in found.keys() | manifest.files if found.get(name) != manifest.files.get(name)
    )
    if wrong or snapshot_id(manifest) != manifest.snapshot:
        what = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "") or MANIFEST
        raise SnapshotUnreadable(
            f"{folder} is not what was written ({what} changed, lost or added): copy it again "
            "from where it was trained, or train again"
        )


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
