"""Replicate: a request makes a prediction, which is then listened to, or asked for until it is ready.

Source: https://replicate.com/docs/topics/predictions/create-a-prediction. A prediction whose client left is
cancelled, since it would go on and cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.reading import is_object, load
from adapters.transport.types import ResponseBroken
from adapters.wires.exchange import MOST_BYTES, header, like, read_all
from adapters.wires.framing import JSON, Given
from adapters.wires.waiting import cancel, wait_until_ready

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from adapters.wires.types import Call

EVERY_S = 1.0
LONGEST_S = 600.0
_OVER = ("succeeded", "failed", "canceled", "aborted")


class ReplicateCarrier:
    """Makes predictions and brings their output."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`. A whole answer is the prediction's JSON once it is over."""
        created = await transport.send(request)
        if created.status >= 300:
            return created
        try:
            body = await read_all(created, most=MOST_BYTES)
        finally:
            await created.aclose()
        prediction = _Prediction(request, transport, body)
        if call.streams and (url := prediction.url("stream")):
            listening = like(
                request,
                method="GET",
                url=url,
                headers=(
                    (b"accept", b"text/event-stream"),
                    (b"cache-control", b"no-store"),
                    (b"authorization", header(request, b"authorization")),
                ),
            )
            try:
                return _Listening(await transport.send(listening), prediction)
            except BaseException:
                await prediction.cancel()
                raise
        try:
            return await prediction.output()
        except BaseException:
            await prediction.cancel()
            raise


class _Prediction:
    def __init__(self, request: UpstreamRequest, transport: Transport, body: bytes) -> None:
        self._request = request
        self._transport = transport
        self._body = body
        try:
            self._value: JsonObject = load(body)
        except FormatError:
            raise ResponseBroken("the provider's answer is no prediction") from None

    def url(self, name: str) -> str:
        """Return one of the addresses that the prediction names."""
        urls = self._value.get("urls")
        found = urls.get(name) if is_object(urls) else None
        return found if isinstance(found, str) else ""

    async def output(self) -> Given:
        """Return the prediction's JSON once it is over. Raises `TransportError`."""
        if self._value.get("status") in _OVER:
            return Given(200, (JSON,), self._body)
        url = self.url("get")
        if not url:
            raise ResponseBroken("the provider does not say where the prediction is to be had")
        asking = like(
            self._request,
            method="GET",
            url=url,
            headers=((b"authorization", header(self._request, b"authorization")), (b"accept", b"application/json")),
        )
        return await wait_until_ready(
            asking,
            self._transport,
            is_over=lambda answer: answer.get("status") in _OVER,
            every_s=EVERY_S,
            longest_s=LONGEST_S,
        )

    async def cancel(self) -> None:
        """Let the provider stop, if it can be told within a moment."""
        url = self.url("cancel")
        if not url:
            return
        asking = like(self._request, url=url, headers=((b"authorization", header(self._request, b"authorization")),))
        await cancel(asking, self._transport)


class _Listening:
    """A prediction's stream. Closed before its end, the prediction is cancelled."""

    def __init__(self, inner: UpstreamResponse, prediction: _Prediction) -> None:
        self.status = inner.status
        self.headers = inner.headers
        self._inner = inner
        self._prediction = prediction
        self._tail = b""
        self._is_over = inner.status >= 300

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        data = await self._inner.receive_some()
        window = self._tail + data
        self._is_over = self._is_over or not data or b"event: done" in window or b"event:done" in window
        self._tail = window[-len(b"event: done") :]
        return data

    async def aclose(self) -> None:
        """See `adapters.transport.types.UpstreamResponse`."""
        await self._inner.aclose()
        if not self._is_over:
            await self._prediction.cancel()
