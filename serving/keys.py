"""API keys: who may do what. Only salted hashes are kept, in a file of the state folder."""

import fcntl
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from recommender.errors import ConfigError

Scope = Literal["read", "events", "export", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "events", "export", "admin")
FOR_BROWSERS = frozenset[Scope]({"read", "events"})
"""Scopes of a key that pages carry, where everybody can read it."""

KEYS_FILE = "keys.json"

_PREFIX = "cartlift"
_LOOKED_AGAIN_AFTER = 0.5
_NO_SALT = "00" * 16


class ApiKey(Struct, frozen=True, kw_only=True):
    """What is kept of a key.

    Attributes:
        id: second part of the key; names it in lists and logs.
        name: whose it is, for people.
        shop: the only shop that it opens.
        scopes: what it may do.
        created_at: RFC 3339.
        origins: web origins whose pages may use it; such a key is known to everybody who looks.
        per_second: requests a second that each worker answers it; 0 for no limit.
        salt: hexadecimal.
        digest: SHA-256 of salt and secret, hexadecimal. The secret is 192 random bits, so that one round
            of hashing is as good as many.
    """

    id: str
    name: str
    shop: str
    scopes: tuple[Scope, ...]
    created_at: str
    origins: tuple[str, ...] = ()
    per_second: float = 0.0
    salt: str
    digest: str

    def opens(self, secret: str) -> bool:
        """Whether this is its secret; takes as long either way."""
        return hmac.compare_digest(_digest(self.salt, secret), self.digest)


class KeyFile:
    """The keys of a state folder, for the command that makes them."""

    def __init__(self, state: Path) -> None:
        self._path = state / KEYS_FILE

    def all(self) -> tuple[ApiKey, ...]:
        """All keys, oldest first.

        Raises:
            ConfigError: the file is damaged.
        """
        return read_keys(self._path)

    def create(
        self,
        *,
        name: str,
        shop: str,
        scopes: Iterable[Scope],
        created_at: str,
        origins: Iterable[str] = (),
        per_second: float = 0.0,
    ) -> str:
        """Make a key, and return it; it cannot be shown again.

        Raises:
            ConfigError: a scope is too much for pages, an origin is none, or the file cannot be written.
        """
        scopes, origins = tuple(dict.fromkeys(scopes)), tuple(dict.fromkeys(map(web_origin, origins)))
        if origins and not FOR_BROWSERS.issuperset(scopes):
            raise ConfigError(
                f"a key for pages ({', '.join(origins)}) is known to everybody: it can have the scopes "
                f"{' and '.join(sorted(FOR_BROWSERS))} alone"
            )
        id_, secret, salt = secrets.token_hex(4), secrets.token_hex(24), secrets.token_hex(16)
        key = ApiKey(
            id=id_, name=name, shop=shop, scopes=scopes, created_at=created_at, origins=origins,
            per_second=per_second, salt=salt, digest=_digest(salt, secret),
        )  # fmt: skip
        with self._changing() as keys:
            self._write([*keys, key])
        return f"{_PREFIX}_{id_}_{secret}"

    def revoke(self, id_: str) -> ApiKey:
        """Take a key back, and return what it was.

        Raises:
            ConfigError: there is no such key.
        """
        with self._changing() as keys:
            gone = next((key for key in keys if key.id == id_), None)
            if gone is None:
                raise ConfigError(f"there is no key {id_!r}: `cartlift keys list` shows them")
            self._write([key for key in keys if key.id != id_])
        return gone

    @contextmanager
    def _changing(self) -> Iterator[tuple[ApiKey, ...]]:
        """The keys, while nobody else changes them."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with (self._path.parent / f"{KEYS_FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self.all()

    def _write(self, keys: list[ApiKey]) -> None:
        # Beside it and then over it: a reader sees all of the old file or all of the new one.
        handle, written = tempfile.mkstemp(dir=self._path.parent, prefix=KEYS_FILE)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(keys)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(written, self._path)
        except OSError:
            with suppress(OSError):
                os.unlink(written)
            raise


class KeyRing:
    """The keys of one shop, as a worker knows them; changes of the file are seen within half a second."""

    def __init__(self, path: Path | None, shop: str, clock: Callable[[], float]) -> None:
        """Reads the file.

        Args:
            path: the file, which need not be there; None for no keys.
            shop: keys of other shops do not count.
            clock: seconds.

        Raises:
            ConfigError: the file is damaged.
        """
        self._path, self._shop, self._clock = path, shop, clock
        self._stamp: object = None
        self._next_look = 0.0
        self._keys: dict[str, ApiKey] = {}
        self._look()

    @property
    def empty(self) -> bool:
        """Whether there is no key: then everybody may read, and nobody may write."""
        self._look_again()
        return not self._keys

    def key_of(self, text: str) -> ApiKey | None:
        """The key that this is; None where it is none of the shop's."""
        self._look_again()
        prefix, _, rest = text.partition("_")
        id_, _, secret = rest.partition("_")
        key = self._keys.get(id_) if prefix == _PREFIX else None
        if key is None:
            # As long as for a key that exists.
            hmac.compare_digest(_digest(_NO_SALT, secret), _NO_SALT)
            return None
        return key if key.opens(secret) else None

    def allows_origin(self, origin: str) -> bool:
        """Whether some key may be used by pages of this origin."""
        self._look_again()
        return any(origin in key.origins for key in self._keys.values())

    def _look_again(self) -> None:
        if self._clock() >= self._next_look:
            with suppress(ConfigError):  # a file that is damaged while we run leaves the keys as they are
                self._look()

    def _look(self) -> None:
        self._next_look = self._clock() + _LOOKED_AGAIN_AFTER
        if self._path is None:
            return
        try:
            found = self._path.stat()
            stamp: object = (found.st_mtime_ns, found.st_size, found.st_ino)
        except FileNotFoundError:
            stamp = None
        if stamp != self._stamp:
            keys = read_keys(self._path)
            self._keys = {key.id: key for key in keys if key.shop == self._shop}
            self._stamp = stamp


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """The keys of a file; none where it is not there.

    Raises:
        ConfigError: it is damaged, or cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[ApiKey, ...])
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(f"cannot read the keys in {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the keys in {path} cannot be read ({error}): restore the file, or remove it and make new ones"
        ) from error


def web_origin(text: str) -> str:
    """A web origin such as https://shop.example, as browsers send it.

    Raises:
        ConfigError: it is none, or has a path.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ConfigError(f"{text!r} is no web origin: write https://shop.example, without a path")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()
