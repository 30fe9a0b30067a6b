"""What a Redis URL must say before anything is sent to another machine."""

from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from recommender.errors import ConfigError

_ALLOWED = ("insecure", "allowed")
"""Parameter of a URL by which a shop takes the risk."""

_REMEDY = (
    "use rediss:// with a certificate (ssl_ca_certs=/path/to/ca.pem names an authority of your own), or add "
    "insecure=allowed to the URL's query where nobody else is on that network"
)


def protected(url: str) -> str:
    """The URL, if what is sent there can be neither read nor answered by strangers, or the URL allows it.

    Sockets and this machine are free. To other hosts `redis://` is refused, and so is a `rediss://` that does
    not check the certificate and its name.

    Returns:
        The URL without the parameter that redis-py does not know.

    Raises:
        ConfigError: it is not protected.
        ValueError: it is no URL.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if _ALLOWED in query:
        query.remove(_ALLOWED)
    elif parts.scheme == "redis" and not _is_this_machine(parts.hostname):
        raise ConfigError(f"redis:// to {parts.hostname} would send everything unencrypted: {_REMEDY}")
    elif parts.scheme == "rediss" and not _is_this_machine(parts.hostname) and (off := _switched_off(query)):
        raise ConfigError(f"rediss:// to {parts.hostname} with {off} trusts whoever answers: {_REMEDY}")
    else:
        return url
    return urlunsplit(SplitResult(parts.scheme, parts.netloc, parts.path, urlencode(query), parts.fragment))


def _switched_off(query: list[tuple[str, str]]) -> str | None:
    for name, value in query:
        if name == "ssl_cert_reqs" and value.lower() != "required":
            return f"{name}={value}"
        if name == "ssl_check_hostname" and value.lower() not in ("true", "yes", "1"):
            return f"{name}={value}"
    return None


def _is_this_machine(host: str | None) -> bool:
    # Names are not looked up: what one means may change after the look.
    if host is None or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
