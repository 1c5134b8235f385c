"""What is known of one environment variable besides its type and default.

The type and the default stand where Python puts them; a `Variable` beside them in `Annotated[...]` holds the
rest: what it means, its unit, its bounds, whether it is a secret. Reading, `--help`, the page in the docs and
error messages all come from the same rows.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 2**31 - 1
"""Upper bound of numbers that have none of their own: what fits a 32-bit integer, so that nothing overflows."""

HIDDEN = "(hidden)"

SHORTEST_SECRET = 32
"""Characters of a secret that keys are derived from: nothing slows a guesser down who tries shorter ones."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_NEVER_FORWARDED = frozenset(
    {
        "authorization", "connection", "content-encoding", "content-length", "cookie", "expect", "forwarded", "host",
        "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
        "x-api-key", "x-forwarded-for", "x-goog-api-key", "x-real-ip",
    }
)  # fmt: skip
"""Headers that describe one connection, carry the client's credentials, or tell who the client is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """The facts of one variable that its type does not tell."""

    meaning: str
    """For operators, in whole sentences."""
    unit: str = ""
    low: float = 0
    """Smallest number allowed."""
    high: float = LARGEST
    choices: tuple[str, ...] = ()
    """The only texts allowed; empty for any."""
    expects: str = ""
    """Says what a good value looks like, where type and bounds do not."""
    also: tuple[str, ...] = ()
    """Other names that are read; the variable's own name wins."""
    default_text: str = ""
    """What the docs print in place of the default."""
    is_secret: bool = False
    """The value never appears in messages, `repr` or the output of `one-api check`."""
    is_original: bool = True
    """Whether one-api (Go) reads it, too. Its booleans are read leniently."""
    no_effect: str = ""
    """Why the variable is accepted and does nothing here; empty if it works."""
    mask: Callable[[str], str] | None = None
    """For secrets of which a part may be shown: gives that part."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Make pydantic apply the bounds and choices."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: object) -> object:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not self.low <= value <= self.high:
            raise ValueError("out of bounds")  # NaN comes here, too
        if self.choices and value not in self.choices:
            raise ValueError("not one of the choices")
        return value


def _network(item: object) -> object:
    if not isinstance(item, str):
        return item
    return ipaddress.ip_network(item)


def _header(name: str) -> str:
    name = name.lower()
    if not _HEADER.fullmatch(name) or name in _NEVER_FORWARDED:
        raise ValueError(name)
    return name


def _http_url(text: str) -> str:
    return _checked_url(text, {"http", "https"})


def _proxy_url(text: str) -> str:
    return _checked_url(text, {"http", "https", "socks5", "socks5h"})


def _checked_url(text: str, schemes: set[str]) -> str:
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or any(c.isspace() for c in text):
        raise ValueError("not such an address")
    _ = parts.port  # raises ValueError when it is not a number up to 65535
    return text


def mask_url(text: str) -> str:
    """Return the address `text` with `user:password@` hidden; what does not look like an address is hidden whole."""
    scheme, found, rest = text.partition("://")
    if not found:
        return HIDDEN
    # The last @, since passwords may hold one, and slashes too.
    _user, at, place = rest.rpartition("@")
    return f"{scheme}://***@{place}" if at else f"{scheme}://{rest}"


def _long_secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET or not text.isprintable():
        raise ValueError
    return text


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
HeaderName = Annotated[str, AfterValidator(_header)]
LongSecret = Annotated[str, AfterValidator(_long_secret)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
ProxyUrl = Annotated[str, AfterValidator(_proxy_url)]
