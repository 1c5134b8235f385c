"""Asking a provider which models it has, before a channel to it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.providers.provider import SignedRequests
from adapters.transport.types import TransportError, UpstreamRequest
from gateway.accounts.refusals import Refused
from gateway.relay.outgoing import USER_AGENT

if TYPE_CHECKING:
    from gateway.services import Services

LIMIT_S = 15.0
_MOST_BYTES = 4 << 20
_MOST_MODELS = 2000


class _Model(msgspec.Struct):
    id: str = ""
    name: str = ""


class _List(msgspec.Struct):
    data: list[_Model] = msgspec.field(default_factory=list)
    models: list[_Model] = msgspec.field(default_factory=list)


async def fetch_models(services: Services, *, type_id: int, base_url: str, key: str) -> list[str]:
    """Return the names of a provider's models, sorted. Raises `Refused` with what went wrong, without the key."""
    provider = services.catalogue.provider(type_id)
    if provider is None:
        raise Refused(f"unknown channel type {type_id}")
    base = (base_url or provider.base_url).rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise Refused("base_url must begin with http:// or https://")
    key = key.strip().splitlines()[0] if key.strip() else ""
    if not key:
        raise Refused("a channel needs a key")
    try:
        name, value = provider.auth_header(key)
        header = (name.encode("ascii"), value.encode("latin-1"))
    except SignedRequests:
        raise Refused("this type has no list of models that can be asked for") from None
    except UnicodeEncodeError:
        raise Refused("the key holds characters that no header takes") from None
    fixed = [(n.encode("ascii"), v.encode("ascii")) for n, v in provider.headers.items()]
    path = "/models" if base.endswith(("/v1", "/v1beta", "/openai")) else "/v1/models"
    request = UpstreamRequest(
        method="GET",
        url=f"{base}{path}",
        headers=(header, *fixed, USER_AGENT),
        body=b"",
        connect_timeout_s=LIMIT_S,
        head_timeout_s=LIMIT_S,
        idle_timeout_s=LIMIT_S,
    )
    try:
        response = await services.transport.send(request)
        try:
            body = bytearray()
            while (data := await response.receive_some()) and len(body) < _MOST_BYTES:
                body += data
            status = response.status
        finally:
            await response.aclose()
    except TransportError as error:
        raise Refused(f"the provider could not be reached: {error}") from error
    if not 200 <= status < 300:
        raise Refused(f"the provider answered with status {status}")
    try:
        answer = msgspec.json.decode(bytes(body), type=_List)
    except msgspec.DecodeError:
        raise Refused("the provider's answer is no list of models") from None
    names = {entry.id or entry.name.removeprefix("models/") for entry in (*answer.data, *answer.models)}
    found = sorted(name for name in names if name and "," not in name)[:_MOST_MODELS]
    if not found:
        raise Refused("the provider named no models")
    return found
