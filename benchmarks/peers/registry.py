"""The peers by name, and what may be tried when they are tuned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.peers.ease import Ease
from benchmarks.peers.implicit_peers import ImplicitAls, ImplicitBm25, ImplicitItems
from benchmarks.peers.irspack_peers import IrspackIals, IrspackP3, IrspackRp3
from benchmarks.peers.ours import Ours
from benchmarks.peers.own_purchases import OwnPurchases, OwnThenBestSellers
from benchmarks.peers.protocol import Peer
from benchmarks.peers.purchases import FOREVER
from benchmarks.peers.space import Choice, LogUniform, Range, Uniform, Whole, draw
from benchmarks.peers.tifu_knn import TifuKnn
from benchmarks.peers.up_cf import UpCf
from recommender.models.best_sellers import BestSellers

TRIALS = 20
"""Settings tried of every peer that has any; the first are its defaults."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A peer in the comparison.

    Attributes:
        default: with the settings of its library or paper.
        space: range of each setting that is tuned; empty where nothing is.
    """

    default: Any
    space: Mapping[str, Range] = field(default_factory=dict)

    def trials(self) -> list[dict[str, object]]:
        """What each trial changes in the defaults; the first changes nothing."""
        return [{}, *draw(self.space, TRIALS - 1, seed=0)]

    def peer(self, changes: Mapping[str, object]) -> Peer:
        """The peer with some of its defaults changed."""
        return replace(self.default, **changes)


_FADING: dict[str, Range] = {"half_life_days": LogUniform(15, 1000)}
_WEIGHT: dict[str, Range] = {**_FADING, "scale": Choice(("once", "count", "log"))}
_WALK: dict[str, Range] = {
    **_WEIGHT,
    "power": Uniform(0.2, 2),
    "neighbours": Whole(10, 1000),
    "normalize": Choice((False, True)),
}

PEERS: dict[str, Contender] = {
    "best sellers of all time": Contender(Ours(BestSellers(half_life_days=FOREVER))),
    "best sellers, half-life 28 days": Contender(Ours(BestSellers(half_life_days=28))),
    "best sellers, half-life 14 days": Contender(Ours(BestSellers(half_life_days=14))),
    "best sellers, half-life 7 days": Contender(Ours(BestSellers(half_life_days=7))),
    "own purchases": Contender(OwnPurchases(), _FADING),
    "own purchases, then best sellers": Contender(
        OwnThenBestSellers(), {**_FADING, "shop_half_life_days": LogUniform(4, 200)}
    ),
    "implicit cosine": Contender(ImplicitItems("cosine"), {**_WEIGHT, "neighbours": Whole(5, 1000)}),
    "implicit TF-IDF": Contender(ImplicitItems("tfidf"), {**_WEIGHT, "neighbours": Whole(5, 1000)}),
    "implicit BM25": Contender(
        ImplicitBm25(),
        {
            **_WEIGHT,
            "neighbours": Whole(5, 1000),
            "saturation": LogUniform(0.1, 100),
            "length_norm": Uniform(0, 1),
        },
    ),
    "implicit ALS": Contender(
        ImplicitAls(),
        {
            **_WEIGHT,
            "factors": Whole(32, 256),
            "regularization": LogUniform(0.01, 100),
            "alpha": LogUniform(0.5, 40),
        },
    ),
    "irspack iALS": Contender(
        IrspackIals(),
        {
            **_WEIGHT,
            "factors": Whole(32, 256),
            "unobserved": LogUniform(0.01, 1),
            "regularization": LogUniform(3e-4, 0.1),
        },
    ),
    "irspack P3alpha": Contender(IrspackP3(), _WALK),
    "irspack RP3beta": Contender(IrspackRp3(), {**_WALK, "damping": Uniform(0, 1)}),
    "EASE": Contender(Ease(), {**_WEIGHT, "regularization": LogUniform(1, 3000)}),
    "TIFU-KNN": Contender(
        TifuKnn(),
        {
            "neighbours": Whole(20, 1000),
            "within_decay": Uniform(0.5, 1),
            "group_decay": Uniform(0.2, 1),
            "groups": Whole(2, 25),
            "own_share": Uniform(0.05, 0.95),
        },
    ),
    "UP-CF@r": Contender(
        UpCf(),
        {"last_orders": Whole(1, 200), "locality": Whole(1, 100), "asymmetry": Uniform(0, 1)},
    ),
}
"""Name → peer; a row of the comparison, or two where it can be tuned."""
