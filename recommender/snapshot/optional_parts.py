"""The parts that a snapshot may lack, as files of its directory. Public: docs/snapshot-format.md."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from recommender.campaigns.bundle_table import BundleTable
from recommender.campaigns.due import DueTable
from recommender.campaigns.own_bundles import OwnBundles
from recommender.data.fingerprints import Fingerprints
from recommender.models.archive import load_model, save_model
from recommender.models.cart_trees import CartTreesModel
from recommender.ranking.ranker import FeatureWorth, TreeRanker
from recommender.snapshot.factors import load_factors, save_factors

_ORDER, _CHANCE, _WORTH = "order.txt", "chance.txt", "worth.json"


class _Part(NamedTuple):
    """How one part is kept: under what name, and how it is written there and read."""

    path: str
    save: Callable[[Any, Path], None]
    load: Callable[[Path], Any]


def save_parts(parts: Mapping[str, Any], folder: Path) -> None:
    """Write those of the parts that are there.

    Args:
        parts: by name, see `PARTS`; None for what is lacking.
        folder: of the snapshot.
    """
    for name, part in PARTS.items():
        if parts[name] is not None:
            part.save(parts[name], folder / part.path)


def load_parts(folder: Path) -> dict[str, Any]:
    """The parts by name, None for what is lacking."""
    found = {name: folder / part.path for name, part in PARTS.items()}
    return {name: PARTS[name].load(path) if path.exists() else None for name, path in found.items()}


def _save_ranker(ranker: TreeRanker, folder: Path) -> None:
    folder.mkdir()
    (folder / _ORDER).write_text(ranker.order, encoding="utf-8")
    (folder / _CHANCE).write_text(ranker.chance, encoding="utf-8")
    (folder / _WORTH).write_bytes(msgspec.json.format(msgspec.json.encode(ranker.worth), indent=2))


def _load_ranker(folder: Path) -> TreeRanker:
    worth = msgspec.json.decode((folder / _WORTH).read_bytes(), type=tuple[FeatureWorth, ...])
    order, chance = ((folder / name).read_text(encoding="utf-8") for name in (_ORDER, _CHANCE))
    return TreeRanker.read(order, chance, worth)


def _save_cart_trees(trees: CartTreesModel, file: Path) -> None:
    file.write_text(trees.text, encoding="utf-8")


def _load_cart_trees(file: Path) -> CartTreesModel:
    return CartTreesModel.read(file.read_text(encoding="utf-8"))


def _arrays(path: str, kind: type) -> _Part:
    """A part that is a dataclass of arrays."""
    return _Part(path, save_model, lambda folder: load_model(kind, folder))


PARTS: Mapping[str, _Part] = {
    "ranker": _Part("ranker", _save_ranker, _load_ranker),
    "cart_trees": _Part("cart_trees.txt", _save_cart_trees, _load_cart_trees),
    "fingerprints": _arrays("fingerprints", Fingerprints),
    "session_factors": _Part("session", save_factors, load_factors),
    "due": _arrays("due", DueTable),
    "bundles": _arrays("bundles", BundleTable),
    "own_bundles": _arrays("own_bundles", OwnBundles),
}
"""By the name that `Snapshot` has for them, an entry each."""
