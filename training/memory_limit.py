"""How much memory a run may take: what somebody says, or what the machine has."""

import os
import re
from pathlib import Path

from recommender.errors import ConfigError

_UNITS = ("", "K", "M", "G", "T")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE)
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def bytes_of(text: str) -> int:
    """`8GB`, `8 GiB`, `512M` or plain bytes, as a number of bytes.

    Raises:
        ConfigError: it is no size, or none above 0.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise ConfigError(f"--memory {text!r} is no size: write e.g. 8GB, 512MB or 6GiB")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS.index(unit.upper()))


def machine_memory() -> int:
    """Bytes that this machine has, or as many of them as its container leaves to it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [file.read_text().strip() for file in _CGROUP_LIMITS if file.is_file()]
    return min([total, *(int(limit) for limit in limits if limit.isdecimal())])


def readable_memory(size: float) -> str:
    """Bytes for people: `11.2 GB`, `480 MB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def allowed_memory(said: str | None) -> int:
    """Bytes that a run may take: what somebody said, or what there is.

    Raises:
        ConfigError: what was said is no size.
    """
    return machine_memory() if said is None else bytes_of(said)
