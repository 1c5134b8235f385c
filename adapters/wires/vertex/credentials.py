"""Tokens of Google's, made by google-auth: signed and exchanged in a thread, asked for over our own transport.

Credentials are a service account's JSON, that of a person (`gcloud auth application-default login`), or, where a
channel has none, Application Default Credentials: whatever the machine that we run on is given by its environment.
JSON that names other sources of credentials (files, programs, addresses) is not taken from a channel, since it could
read what is the operator's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import google.auth
import google.auth.transport
import trio
from google.auth import exceptions
from google.oauth2 import credentials as people
from google.oauth2 import service_account

from adapters.formats.errors import FormatError
from adapters.formats.reading import load
from adapters.transport.types import TransportError
from adapters.wires.exchange import MOST_BYTES, like, read_all
from adapters.wires.tokens import Token
from adapters.wires.types import CredentialRefused, CredentialUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_USUAL_LIFE_S = 3600.0
_NO_ACCOUNT = "the channel's credentials are no service account in JSON"


class Credentials(Protocol):
    """As much of google-auth's credentials as is used."""

    token: str | None
    expiry: datetime | None

    def refresh(self, request: google.auth.transport.Request) -> None:
        """Fetch a token."""


async def fetch_token(
    adc: str, request: UpstreamRequest, transport: Transport, *, limiter: trio.CapacityLimiter
) -> Token:
    """Return a token for the credentials in `adc`, or for the machine's own if it is empty.

    `request` lends its deadlines. Raises `CredentialError`.
    """
    over = _Over(request, transport)
    work = partial(_fetch, adc, over)
    try:
        return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
    except exceptions.RefreshError as error:
        if error.retryable:
            raise CredentialUnavailable("Google gave out no token just now") from None
        raise CredentialRefused(f"Google gave out no token: {_words(error)}") from None
    except exceptions.MalformedError:
        raise CredentialRefused(_NO_ACCOUNT) from None
    except exceptions.DefaultCredentialsError:
        raise CredentialRefused("the channel has no credentials, and neither has this machine") from None
    except exceptions.TransportError:
        raise CredentialUnavailable("Google could not be reached for a token") from None
    except exceptions.GoogleAuthError as error:
        raise CredentialRefused(f"Google gave out no token: {_words(error)}") from None
    except (ValueError, TypeError, KeyError):
        raise CredentialRefused(_NO_ACCOUNT) from None


def _fetch(adc: str, over: _Over) -> Token:
    """Runs in a thread."""
    credentials = _given(adc) if adc.strip() else _of_the_machine(over)
    credentials.refresh(over)
    if not credentials.token:
        raise exceptions.RefreshError("there is no token in the answer")
    if credentials.expiry is None:
        return Token(credentials.token, _USUAL_LIFE_S)
    # google-auth tells it in UTC, without saying so.
    lives = credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)
    return Token(credentials.token, lives.total_seconds())


def _given(adc: str) -> Credentials:
    try:
        told: JsonObject = load(adc.encode())
    except FormatError as error:
        raise ValueError(str(error)) from None
    match told.get("type"):
        case "service_account":
            made = service_account.Credentials.from_service_account_info(told, scopes=SCOPES)
        case "authorized_user":
            made = people.Credentials.from_authorized_user_info(told, scopes=SCOPES)
        case other:
            raise ValueError(f"credentials of type {other!r} are not taken")
    return cast("Credentials", made)


def _of_the_machine(over: _Over) -> Credentials:
    found, _ = google.auth.default(scopes=SCOPES, request=over)
    return cast("Credentials", found)


def _words(error: Exception) -> str:
    """Return what Google said, without the raw answer that google-auth adds."""
    return str(error.args[0]) if error.args else type(error).__name__


class _Answer(google.auth.transport.Response):
    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._status = status
        self._headers = headers
        self._data = data

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data


class _Over(google.auth.transport.Request):
    """google-auth's requests over our transport, so that proxies, certificates and deadlines are ours."""

    def __init__(self, request: UpstreamRequest, transport: Transport) -> None:
        self._request = request
        self._transport = transport

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: object,
    ) -> _Answer:
        """Called in a thread. The deadline of the fetch as a whole is its keeper's."""
        del kwargs
        content = body.encode() if isinstance(body, str) else body or b""
        asked = like(
            self._request,
            method=method,
            url=url,
            headers=tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in (headers or {}).items()),
            body=content,
        )
        if timeout is not None:
            # Whether this machine is one of Google's is asked of an address that is not there elsewhere.
            asked = replace(
                asked,
                connect_timeout_s=min(timeout, asked.connect_timeout_s),
                head_timeout_s=min(timeout, asked.head_timeout_s),
            )
        try:
            return trio.from_thread.run(self._send, asked)
        except (TransportError, trio.RunFinishedError) as error:
            raise exceptions.TransportError(str(error)) from error

    async def _send(self, asked: UpstreamRequest) -> _Answer:
        response = await self._transport.send(asked)
        try:
            data = await read_all(response, most=MOST_BYTES)
        finally:
            await response.aclose()
        named = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        return _Answer(response.status, named, data)
