"""How much memory a run may take: what somebody says, or what the machine has."""

import os
import re
from pathlib import Path

from recommender.errors import ConfigError

_UNITS = ("", "K", "M", "G", "T")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE)
_CGROUPS, _OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


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
    return min([total, *cgroup_limits(_CGROUPS, _OWN_CGROUPS)])


def cgroup_limits(root: Path, own: Path) -> list[int]:
    """Bytes that control groups leave to a process: its own group, and all that it lies in.

    Args:
        root: where the groups are mounted; those of memory in `memory` below it, if they are of version 1.
        own: what the kernel says of the process's groups, a line a hierarchy: `number:controllers:path`
            (cgroups(7)); version 2 has no controllers there.
    """
    files = []
    for line in own.read_text().splitlines() if own.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            files += _upwards(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            files += _upwards(root / "memory", path, "memory.limit_in_bytes")
    said = [file.read_text().strip() for file in files if file.is_file()]
    return [int(limit) for limit in said if limit.isdecimal()]


def _upwards(root: Path, path: str, name: str) -> list[Path]:
    # Within a container the path may be the host's: then only the root is there, which is the container's.
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:depth], name) for depth in range(len(parts) + 1)]


def readable_memory(size: float) -> str:
    """Bytes for people: `11.2 GB`, `480 MB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def allowed_memory(said: str | None) -> int:
    """Bytes that a run may take: what somebody said, or what there is.

    Raises:
        ConfigError: what was said is no size.
    """
    return machine_memory() if said is None else bytes_of(said)
