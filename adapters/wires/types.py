"""The seams between a relay and providers that want more than plain HTTP.

A `Wire` has an `Authorizer`, which completes the request (signatures, tokens), a `Carrier`, which sends it and
presents the answer as the relay expects it (a whole body, or server-sent events), or both.

CredentialError           a `TransportError`: the request could not be authorized
 x CredentialRefused      the key is malformed, or was refused by the provider (`status` 401 or 403)
 x CredentialUnavailable  the token could not be had just now (`status` 502, 503 or 504)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from adapters.transport.types import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose request it is: the channel's key, address and settings."""

    key: str = field(repr=False)
    base_url: str
    """Without a slash at its end."""
    config: Mapping[str, object] = field(repr=False)

    def setting(self, name: str) -> str:
        """Return a setting, empty if the channel has none."""
        value = self.config.get(name)
        return value if isinstance(value, str) else ""

    @property
    def token_name(self) -> str:
        """What a token for this account is kept under; tells nothing of the key."""
        settings = msgspec.json.encode(dict(self.config), order="sorted")
        return hashlib.sha256(f"{self.base_url}\n{self.key}\n".encode() + settings).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked."""

    account: Account
    endpoint: str
    """The catalogue's name of it."""
    model: str
    """As the provider names it."""
    streams: bool


class Authorizer(Protocol):
    """Completes requests of one kind of provider."""

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """Return `request` with all that the provider wants to see. Raises `CredentialError`."""


class Carrier(Protocol):
    """Sends requests of one kind of provider."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """Send, and present the answer. Raises as `Transport.send`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How one kind of provider is reached. `None`: as HTTP has it."""

    authorizer: Authorizer | None = None
    carrier: Carrier | None = None


class CredentialError(TransportError):
    """The request could not be authorized. `message` may be told to clients."""

    code = "credential_unavailable"
    status = 502

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status


class CredentialRefused(CredentialError):
    """The channel's key is of no use."""

    code = "credential_refused"
    status = 401


class CredentialUnavailable(CredentialError):
    """No token could be had just now."""
