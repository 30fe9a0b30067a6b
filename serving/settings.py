"""What a worker must know, handed from the command to its workers through the environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.errors import ConfigError

_REDIS = "CARTLIFT_SERVE_REDIS"
_SHOP = "CARTLIFT_SERVE_SHOP"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where a worker finds its snapshots.

    Attributes:
        redis_url: Redis to read from.
        shop: prefix of the shop's keys.
    """

    redis_url: str
    shop: str

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
        return cls(environment[_REDIS], environment[_SHOP])

    def to_environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        return {_REDIS: self.redis_url, _SHOP: self.shop}
