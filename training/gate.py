"""The gate: a snapshot goes live only if it is no worse than the one whose place it takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from recommender.errors import SnapshotError
from recommender.snapshot.encoding import StoredManifest
from recommender.snapshot.vitals import Vitals

from .gate_checks import Reason, behind, covers_less, days_between, shrunk, too_little, too_old
from .gate_figures import comparable, worse
from .gate_settings import GateSettings

OLD_DAYS = 30.0
"""Orders older than this are worth a word where no limit is set."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says of a snapshot.

    Attributes:
        reasons: all that speaks against it; it may go live where there is none.
        notes: what could not be compared, and what else is worth a word.
    """

    reasons: tuple[Reason, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The reasons, a line each."""
        return "\n".join(f"  - {reason.said}" for reason in self.reasons)


class SnapshotRefused(SnapshotError):
    """The gate is against a snapshot, and nobody insisted.

    Attributes:
        snapshot: its id.
        live: id of the snapshot that stays live, None where there is none.
        ruling: why.
    """

    def __init__(self, snapshot: str, live: str | None, ruling: Ruling) -> None:
        self.snapshot, self.live, self.ruling = snapshot, live, ruling
        stays = f"{live} stays live" if live else "nothing is live yet"
        super().__init__(
            f"the gate refused snapshot {snapshot}, {stays}:\n{ruling}\n"
            "If it is right like this, --force publishes it and keeps these reasons in its manifest; the "
            "limits are set in [gate] of the file given with --config (docs/settings.md)"
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the lines are drawn, and when.

    Attributes:
        settings: the limits.
        now: moment of the publication, with a time zone.
        force: publish whatever speaks against it.
    """

    settings: GateSettings
    now: datetime
    force: bool = False

    def rule_on(self, ours: StoredManifest, live: StoredManifest | None) -> Ruling:
        """What speaks against making a snapshot live.

        Args:
            ours: manifest of the snapshot.
            live: manifest of the one that is live, None where there is none that can be read.
        """
        reasons = list(too_old(_newest(ours), self.now, self.settings))
        if live is not None:
            reasons += behind(_newest(ours), _newest(live), self.settings)
        if ours.vitals is not None:
            reasons += self._of_vitals(ours.vitals, live.vitals if live else None)
        return Ruling(tuple(reasons), tuple(self._notes(ours, live)))

    def rule_on_live(self, manifest: StoredManifest) -> Ruling:
        """What speaks against a snapshot that is live already: only its age can have changed since."""
        newest = _newest(manifest)
        return Ruling(tuple(too_old(newest, self.now, self.settings)), tuple(self._of_age(newest)))

    def _of_vitals(self, ours: Vitals, live: Vitals | None) -> Iterator[Reason]:
        yield from too_little(ours, self.settings)
        if live is not None:
            yield from shrunk(ours, live, self.settings)
            yield from covers_less(ours, live, self.settings)
            yield from worse(ours.judged, live.judged, self.settings)

    def _notes(self, ours: StoredManifest, live: StoredManifest | None) -> Iterator[str]:
        yield from self._of_age(_newest(ours))
        if live is None:
            yield "no live snapshot to compare with"
        elif ours.vitals is None or live.vitals is None:
            yield "the live snapshot was published by an earlier version, which noted nothing to compare with"
        elif not comparable(ours.vitals.judged, live.vitals.judged, self.settings):
            yield (
                "figures were not compared: no task was judged on the same terms in both snapshots, by at "
                f"least {self.settings.min_judged} customers"
            )

    def _of_age(self, newest: datetime) -> Iterator[str]:
        age = days_between(newest, self.now)
        if OLD_DAYS < age <= self.settings.max_data_age_days:
            yield f"its newest order is {age:,.0f} days old; [gate] max_data_age_days can refuse old orders"


def _newest(manifest: StoredManifest) -> datetime:
    return datetime.fromisoformat(manifest.data_until)
