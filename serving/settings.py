"""What a worker must know, handed from the command to its workers through the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recommender.errors import ConfigError

_REDIS = "CARTLIFT_SERVE_REDIS"
_SHOP = "CARTLIFT_SERVE_SHOP"
_CONFIG = "CARTLIFT_SERVE_CONFIG"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker finds its snapshots and its settings.

    Attributes:
        redis_url: Redis to read from.
        shop: prefix of the shop's keys.
        config: file of `ServiceSettings`, if there is one.
    """

    redis_url: str
    shop: str
    config: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "WorkerSettings":
        """The settings that `to_environment` wrote.

        Raises:
            ConfigError: one is missing.
        """
        missing = [name for name in (_REDIS, _SHOP) if name not in environment]
        if missing:
            raise ConfigError(
                f"{' and '.join(missing)} must be set in the environment: see docs/operations.md"
            )
        config = environment.get(_CONFIG)
        return cls(environment[_REDIS], environment[_SHOP], Path(config) if config else None)

    def to_environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        # An empty one, so that what an earlier service left in the environment does not hold.
        config = "" if self.config is None else str(self.config.resolve())
        return {_REDIS: self.redis_url, _SHOP: self.shop, _CONFIG: config}
