"""Asking a provider which models it has, before a channel to it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.providers.urls import UrlError, models_url
from adapters.transport.types import TransportError, UpstreamRequest
from adapters.wires.exchange import read_all
from adapters.wires.types import Account
from gateway.accounts.refusals import Refused
from gateway.relay.outgoing import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider
    from gateway.services import Services

LIMIT_S = 15.0
_MOST_BYTES = 8 << 20
_MOST_MODELS = 2000


class _Model(msgspec.Struct):
    id: str = ""
    name: str = ""


class _List(msgspec.Struct):
    data: list[_Model] = msgspec.field(default_factory=list)
    models: list[_Model] = msgspec.field(default_factory=list)
    result: list[_Model] = msgspec.field(default_factory=list)


async def fetch_models(
    services: Services, *, type_id: int, base_url: str, key: str, config: Mapping[str, object] | None = None
) -> list[str]:
    """Return the names of a provider's models, sorted.

    `config` holds the channel's settings. Raises `Refused` with what went wrong, without the key.
    """
    provider = services.catalogue.provider(type_id)
    if provider is None:
        raise Refused(f"unknown channel type {type_id}")
    base = (base_url or provider.base_url).strip().rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise Refused("base_url must begin with http:// or https://")
    key = key.strip().splitlines()[0] if key.strip() else ""
    if not key:
        raise Refused("a channel needs a key")
    settings = config or {}
    try:
        url = models_url(provider, base, settings)
    except UrlError as error:
        raise Refused(str(error)) from None
    return _names(await _asked(services, provider, Account(key=key, base_url=base, config=settings), url))


async def _asked(services: Services, provider: Provider, account: Account, url: str) -> bytes:
    headers = [USER_AGENT]
    try:
        if not provider.is_signed:
            name, value = provider.auth_header(account.key)
            headers.append((name.encode("ascii"), value.encode("latin-1")))
    except UnicodeEncodeError:
        raise Refused("the key holds characters that no header takes") from None
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in provider.headers.items()]
    request = UpstreamRequest(
        method="GET",
        url=url,
        headers=tuple(headers),
        body=b"",
        connect_timeout_s=LIMIT_S,
        head_timeout_s=LIMIT_S,
        idle_timeout_s=LIMIT_S,
    )
    # Only a wire that makes the credential has a say in this; how answers are framed is another matter.
    transport = services.transport
    if provider.is_signed:
        transport = services.wires.over(provider, account, endpoint="models", model="", streams=False)
    try:
        response = await transport.send(request)
        try:
            body = await read_all(response, most=_MOST_BYTES)
        finally:
            await response.aclose()
    except TransportError as error:
        raise Refused(f"the provider could not be reached: {error}") from error
    if not 200 <= response.status < 300:
        raise Refused(f"the provider answered with status {response.status}")
    return body


def _names(body: bytes) -> list[str]:
    try:
        answer = msgspec.json.decode(body, type=_List | list[_Model])
    except msgspec.DecodeError:
        raise Refused("the provider's answer is no list of models") from None
    entries = answer if isinstance(answer, list) else (*answer.data, *answer.models, *answer.result)
    # Cloudflare calls a number `id`, and the model `name`; Gemini puts the kind in front.
    names = {
        entry.name if entry.name.startswith("@") else entry.id or entry.name.removeprefix("models/")
        for entry in entries
    }
    found = sorted(name for name in names if name and "," not in name)[:_MOST_MODELS]
    if not found:
        raise Refused("the provider named no models")
    return found
