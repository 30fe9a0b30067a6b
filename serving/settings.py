"""What a worker must know, handed from the command to its workers through the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import ConfigError
from recommender.events.journal import journal_path
from recommender.events.private_customers import privacy_path

from .keys import KEYS_FILE
from .log_format import LogFormat

_REDIS = "CARTLIFT_SERVE_REDIS"
_SHOP = "CARTLIFT_SERVE_SHOP"
_STATE = "CARTLIFT_SERVE_STATE"
_CONFIG = "CARTLIFT_SERVE_CONFIG"
_REPORTS = "CARTLIFT_SERVE_REPORTS"
_ROWS = "CARTLIFT_SERVE_ROWS"
_LOG_FORMAT = "CARTLIFT_SERVE_LOG_FORMAT"
_ACCESS_SHARE = "CARTLIFT_SERVE_ACCESS_LOG"

ACCESS_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker finds its snapshots and its settings.

    Attributes:
        redis_url: Redis to read from.
        shop: prefix of the shop's keys.
        state: folder of API keys, events and customers' wishes.
        config: file of `ServiceSettings`, if there is one.
        reports: folder in which the workers of one service say what they counted; None for a worker that
            knows of no other.
        rows: memory of rows that the workers of one service share; None for a worker that has its own.
        log_format: how log lines look.
        access_share: of requests that are logged, from 0 to 1; those that failed or were slow are anyhow.
    """

    redis_url: str
    shop: str
    state: Path
    config: Path | None = None
    reports: Path | None = None
    rows: Path | None = None
    log_format: LogFormat = "text"
    access_share: float = ACCESS_SHARE

    @property
    def keys(self) -> Path:
        """File of API keys."""
        return self.state / KEYS_FILE

    @property
    def events(self) -> Path:
        """File of the shop's events."""
        return journal_path(self.state, self.shop)

    @property
    def privacy(self) -> Path:
        """File of customers who opted out or were erased."""
        return privacy_path(self.state, self.shop)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WorkerSettings":
        """The settings that `to_environment` wrote.

        Raises:
            ConfigError: one is missing.
        """
        missing = [name for name in (_REDIS, _SHOP, _STATE) if name not in environment]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} must be set in the environment: see docs/operations.md"
            )
        config, reports, rows = (environment.get(name) for name in (_CONFIG, _REPORTS, _ROWS))
        return cls(
            environment[_REDIS],
            environment[_SHOP],
            Path(environment[_STATE]),
            Path(config) if config else None,
            Path(reports) if reports else None,
            Path(rows) if rows else None,
            "json" if environment.get(_LOG_FORMAT) == "json" else "text",
            float(environment.get(_ACCESS_SHARE, ACCESS_SHARE)),
        )

    def to_environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        # An empty one, so that what an earlier service left in the environment does not hold.
        config = "" if self.config is None else str(self.config.resolve())
        reports = "" if self.reports is None else str(self.reports.resolve())
        rows = "" if self.rows is None else str(self.rows)
        state = str(self.state.resolve())
        return {
            _REDIS: self.redis_url, _SHOP: self.shop, _STATE: state, _CONFIG: config, _REPORTS: reports,
            _ROWS: rows,
            _LOG_FORMAT: self.log_format, _ACCESS_SHARE: str(self.access_share),
        }  # fmt: skip
