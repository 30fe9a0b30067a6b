"""Everything that this project refuses to do, as one tree."""


class RecommenderError(Exception):
    """Anything this project refuses to do; the message says what, where and what to do.

    RecommenderError
    ├── DataError               the shop's data cannot mean what it says
    ├── ConfigError             a setting or argument is unknown or out of range
    └── SnapshotError           a snapshot cannot be read, written or reached
        ├── SnapshotMissing         nothing has been published yet, or not under that name
        ├── SnapshotUnreadable      written by an incompatible version, or damaged
        ├── StoreUnavailable        Redis did not answer, or refused
        └── SnapshotRefused         the gate of `publish` is against it (training.gate)
    """


class DataError(RecommenderError):
    """The shop's data cannot mean what it says."""


class ConfigError(RecommenderError):
    """A setting or an argument is unknown or out of range."""


class SnapshotError(RecommenderError):
    """A snapshot cannot be read, written or reached."""


class SnapshotMissing(SnapshotError):
    """Nothing has been published yet, or nothing under that name."""


class SnapshotUnreadable(SnapshotError):
    """Written by an incompatible version, or damaged since."""


class StoreUnavailable(SnapshotError):
    """Redis did not answer in time, or refused the command."""
