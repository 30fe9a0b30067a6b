"""Trees laid out for speed: many candidates pass through all of them at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled

MOST_LEAVES = 64
"""Leaves that a tree may have: one bit each."""

_ROWS = 512
"""Candidates that pass together, so that the processor compares several at a time."""

_FIND_32, _FIND_64 = np.uint32(0x077CB531), np.uint64(0x03F79D71B4CB0A89)
"""De Bruijn's numbers: the one set bit of a word, times such a number, has its place in the first bits."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees that are added up, as QuickScorer lays them out.

    Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression
    trees", SIGIR 2015, and its form for vectors, "Exploiting CPU SIMD extensions to speed-up document scoring
    with tree ensembles", SIGIR 2016: a split that sends a candidate to the right strikes out all leaves to
    its left, and the first leaf left is where the candidate ends. Splits are compared in any order, so there
    is nothing to wait for. Values are those of LightGBM, added up in its order: to the last bit the same.

    Attributes:
        starts: shape (n_trees + 1,) int64, where each tree's splits begin: first those that send a candidate
            without the feature to the left. Of either kind there is an even number.
        missing_right: shape (n_trees,) int64, where those begin that send it to the right.
        feature: shape (n_splits,) int32.
        threshold: shape (n_splits,) float32, a feature above it goes to the right. LightGBM's own rounded
            down: no number of single precision lies between.
        left_out: shape (n_splits,) uint32 or uint64, ones but for the leaves left of the split.
        values: shape (n_trees, 32 or 64) float64, of the leaves, by the bits that `_FIND_32` or `_FIND_64`
            gives their place.
    """

    starts: NDArray[np.int64]
    missing_right: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left_out: NDArray[np.unsignedinteger[Any]]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, booster: lightgbm.Booster) -> "Forest":
        """LightGBM's trees.

        Raises:
            ValueError: a tree has more than `MOST_LEAVES` leaves, or a split that is no threshold.
        """
        trees = [_Tree.read(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
        most = max((len(tree.values) for tree in trees), default=1)
        if most > MOST_LEAVES:
            raise ValueError(f"a tree has {most} leaves, and at most {MOST_LEAVES} are supported")
        bits, find = (32, _FIND_32) if most <= 32 else (64, _FIND_64)
        place = _places(find, bits)
        values = np.zeros((len(trees), bits))
        for number, tree in enumerate(trees):
            values[number, place[: len(tree.values)]] = tree.values
        splits = [split for tree in trees for split in tree.splits]
        full = (1 << bits) - 1
        starts = np.cumsum([0, *(len(tree.splits) for tree in trees)]).astype(np.int64)
        to_the_left = [sum(split.missing_left for split in tree.splits) for tree in trees]
        return cls(
            starts=starts,
            missing_right=starts[:-1] + np.array(to_the_left, np.int64),
            feature=np.array([split.feature for split in splits], np.int32),
            threshold=_rounded_down(np.array([split.threshold for split in splits], np.float64)),
            left_out=np.array([full ^ split.leaves_left for split in splits], find.dtype),
            values=values,
        )

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """What all trees together say of each candidate, shape (n,).

        Args:
            features: shape (n, n_features), NaN where a feature is missing; column by column in memory it
                need not be copied.
        """
        find = _FIND_32 if self.left_out.dtype == np.uint32 else _FIND_64
        total = np.zeros(len(features))
        _pass_through(
            np.ascontiguousarray(features.T, np.float32), self.starts, self.missing_right, self.feature,
            self.threshold, self.left_out, self.values, np.uint64(find), total,
        )  # fmt: skip
        return total


@dataclass(frozen=True, slots=True)
class _Split:
    feature: int
    threshold: float
    missing_left: bool
    leaves_left: int


@dataclass(frozen=True, slots=True)
class _Tree:
    splits: tuple[_Split, ...]
    values: tuple[float, ...]

    @classmethod
    def read(cls, node: dict[str, Any]) -> "_Tree":
        """The tree below a node of LightGBM's dump."""
        values: list[float] = []
        splits = [*_splits(node, values)]
        in_pairs = (
            split for missing_left in (True, False) for split in _in_pairs(splits, missing_left=missing_left)
        )
        return cls(tuple(in_pairs), tuple(values))


def _in_pairs(splits: Sequence[_Split], *, missing_left: bool) -> list[_Split]:
    """Those that send what is missing to one side; one more that strikes out no leaf, where they are odd."""
    chosen = [split for split in splits if split.missing_left == missing_left]
    return chosen + [_Split(0, 0.0, missing_left, 0)] * (len(chosen) % 2)


def _splits(node: dict[str, Any], values: list[float]) -> Iterator[_Split]:
    """The splits below a node; its leaves are added to `values`, from left to right."""
    if "split_feature" not in node:
        values.append(float(node["leaf_value"]))
        return
    if node["decision_type"] != "<=":
        raise ValueError(f"a split by {node['decision_type']!r} is not supported")
    first = len(values)
    yield from _splits(node["left_child"], values)
    leaves_left = ((1 << (len(values) - first)) - 1) << first
    yield from _splits(node["right_child"], values)
    if node["missing_type"] == "Zero":
        raise ValueError("a split that takes 0 for missing is not supported")
    threshold = float(node["threshold"])
    # Where nothing was missing when they were learned, LightGBM takes what is missing for 0.
    missing_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    yield _Split(node["split_feature"], threshold, bool(missing_left), leaves_left)


def _places(find: np.unsignedinteger[Any], bits: int) -> NDArray[np.int64]:
    """Where the value of each leaf stands, shape (bits,)."""
    one = np.left_shift(find.dtype.type(1), np.arange(bits, dtype=find.dtype))
    with np.errstate(over="ignore"):
        return np.asarray((one * find) >> find.dtype.type(bits - bits.bit_length() + 1), np.int64)


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    largest = np.finfo(np.float32).max
    single = np.clip(thresholds, -largest, largest).astype(np.float32)
    above = single.astype(np.float64) > thresholds
    return np.where(above, np.nextafter(single, np.float32(-np.inf)), single).astype(np.float32)


@compiled
def _pass_through(
    features: NDArray[np.float32],
    starts: NDArray[np.int64],
    missing_right: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left_out: NDArray[np.unsignedinteger[Any]],
    values: NDArray[np.float64],
    find: np.uint64,
    total: NDArray[np.float64],
) -> None:
    n_features, n = features.shape
    columns, sums = np.zeros((n_features, _ROWS), np.float32), np.empty(_ROWS)
    leaves = np.empty(_ROWS, left_out.dtype)
    all_leaves = ~left_out.dtype.type(0)
    one, shift = np.uint64(1), np.uint64(27 if values.shape[1] == 32 else 58)
    for start in range(0, n, _ROWS):
        n_rows = min(_ROWS, n - start)
        for column in range(n_features):
            for row in range(n_rows):
                columns[column, row] = features[column, start + row]
        for row in range(_ROWS):
            sums[row] = 0
        for tree in range(len(starts) - 1):
            for row in range(_ROWS):
                leaves[row] = all_leaves
            # Two at a time, for what leaves are left need then be read and written half as often.
            for split in range(starts[tree], missing_right[tree], 2):
                a, above_a, kept_a = columns[feature[split]], threshold[split], left_out[split]
                b, above_b, kept_b = columns[feature[split + 1]], threshold[split + 1], left_out[split + 1]
                for row in range(_ROWS):
                    leaves[row] &= (kept_a if a[row] > above_a else all_leaves) & (
                        kept_b if b[row] > above_b else all_leaves
                    )
            for split in range(missing_right[tree], starts[tree + 1], 2):
                a, above_a, kept_a = columns[feature[split]], threshold[split], left_out[split]
                b, above_b, kept_b = columns[feature[split + 1]], threshold[split + 1], left_out[split + 1]
                for row in range(_ROWS):
                    leaves[row] &= (all_leaves if a[row] <= above_a else kept_a) & (
                        all_leaves if b[row] <= above_b else kept_b
                    )
            for row in range(_ROWS):
                left = leaves[row]
                # What does not fit into a word is cut off, here and only here: whole vectors can do that.
                leaves[row] = (left & (~left + one)) * find
            of_leaves = values[tree]
            for row in range(_ROWS):
                sums[row] += of_leaves[leaves[row] >> shift]
        for row in range(n_rows):
            total[start + row] = sums[row]
