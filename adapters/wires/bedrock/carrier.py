"""Sends requests to Bedrock: under the id that serves, signed, and with answers as the relay reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from adapters.wires.bedrock.event_stream import EVENT_STREAM, EventStream
from adapters.wires.bedrock.profiles import candidates, tells_of_unknown_model
from adapters.wires.bedrock.signing import BedrockSigner
from adapters.wires.exchange import MOST_BYTES, read_all
from adapters.wires.framing import Given

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from adapters.wires.types import Call

MOST_REMEMBERED = 4096
"""Pairs of account and model, whose id is known. Beyond it the oldest go, and are found again."""
_STATUSES = {
    b"ThrottlingException": 429,
    b"ServiceQuotaExceededException": 429,
    b"ModelErrorException": 502,
    b"ModelStreamErrorException": 502,
    b"ModelTimeoutException": 504,
}
"""By kind of error, where the status it comes with would be taken for the client's fault."""
_BEFORE_MODEL = "/model/"


class BedrockCarrier:
    """A carrier that signs by itself, since another id of the model is another URL, and wants another signature."""

    def __init__(self) -> None:
        self._signer = BedrockSigner()
        self._serving: dict[tuple[str, str], str] = {}
        """By account and model: the id that served."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`. Raises `CredentialRefused`, too."""
        before, model, after = _split(request.url)
        ids = candidates(model, region=call.account.setting("region"), wanted=call.account.setting("cross_region"))
        key = (call.account.token_name, model)
        known = self._serving.get(key)
        if known in ids:
            ids = (known, *(one for one in ids if one != known))
        for one in ids:
            asked = replace(request, url=f"{before}{quote(one, safe='')}{after}")
            response = await transport.send(await self._signer.sign(asked, call.account))
            if response.status < 300:
                if len(ids) > 1 and one != known:
                    self._remember(key, one)
                return _presented(response)
            if one == ids[-1] or response.status not in (400, 404):
                return _restated(response)
            try:
                body = await read_all(response, most=MOST_BYTES)
            finally:
                await response.aclose()
            if not tells_of_unknown_model(response.status, body):
                return _restated(Given(response.status, response.headers, body))
        raise AssertionError("there is always an id to try")

    def _remember(self, key: tuple[str, str], one: str) -> None:
        self._serving.pop(key, None)
        self._serving[key] = one
        while len(self._serving) > MOST_REMEMBERED:
            del self._serving[next(iter(self._serving))]


def _presented(response: UpstreamResponse) -> UpstreamResponse:
    kind = dict(response.headers).get(b"content-type", b"").lower()
    return EventStream(response) if kind.startswith(EVENT_STREAM) else response


def _restated(response: UpstreamResponse) -> UpstreamResponse:
    """Return an error under the status that says what to do about it, which is not always Amazon's."""
    kind = dict(response.headers).get(b"x-amzn-errortype", b"").partition(b":")[0]
    status = _STATUSES.get(kind, response.status)
    return response if status == response.status else _Restated(response, status)


class _Restated:
    """An answer with another status."""

    def __init__(self, inner: UpstreamResponse, status: int) -> None:
        self.status = status
        self.headers = inner.headers
        self._inner = inner

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        return await self._inner.receive_some()

    async def aclose(self) -> None:
        """See `adapters.transport.types.UpstreamResponse`."""
        await self._inner.aclose()


def _split(url: str) -> tuple[str, str, str]:
    """Return what is before the model's id, the id, and what is behind it."""
    before, slash, rest = url.partition(_BEFORE_MODEL)
    quoted, _, operation = rest.partition("/")
    return before + slash, unquote(quoted), f"/{operation}"
