"""Sends requests to Vertex AI. Gemini's embedding models take one text at a time there, clients send many.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from adapters.formats.errors import FormatError
from adapters.formats.reading import array, dump, load
from adapters.transport.types import TransportError
from adapters.wires.exchange import JSON_TYPE, read_all
from adapters.wires.framing import Given

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from adapters.wires.types import Call

AT_ONCE = 8
MOST_BYTES = 64 << 20
_ONE_AT_A_TIME = "gemini-embedding"


class VertexCarrier:
    """A `Carrier` that takes requests for several embeddings apart and puts their answers together."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`. Of several failures the first is presented."""
        texts = self._texts(request, call)
        if len(texts) < 2:
            return await transport.send(request)
        assert isinstance(request.body, bytes), "embeddings are asked for in JSON"  # noqa: S101
        rest = {name: value for name, value in load(request.body).items() if name != "instances"}
        answers: list[Given | TransportError | None] = [None] * len(texts)
        limiter = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:

            async def embed(place: int) -> None:
                async with limiter:
                    asked = replace(request, body=dump({"instances": [texts[place]], **rest}))
                    answer = answers[place] = await _given(asked, transport)
                    if isinstance(answer, TransportError) or answer.status != 200:
                        nursery.cancel_scope.cancel()

            for place in range(len(texts)):
                nursery.start_soon(embed, place)
        return _joined(answers)

    def _texts(self, request: UpstreamRequest, call: Call) -> list[object]:
        if call.endpoint != "embeddings" or not call.model.startswith(_ONE_AT_A_TIME):
            return []
        return array(load(request.body), "instances") if isinstance(request.body, bytes) else []


async def _given(request: UpstreamRequest, transport: Transport) -> Given | TransportError:
    try:
        response = await transport.send(request)
        try:
            return Given(response.status, response.headers, await read_all(response, most=MOST_BYTES))
        finally:
            await response.aclose()
    except TransportError as error:
        return error


def _joined(answers: list[Given | TransportError | None]) -> Given:
    """Put whole answers together. Raises `TransportError`."""
    predictions: list[object] = []
    for answer in answers:
        if isinstance(answer, TransportError):
            raise answer
        if answer is not None and answer.status != 200:
            return answer
    for answer in answers:
        assert isinstance(answer, Given), "none failed, so that all were sent"  # noqa: S101
        try:
            found: JsonObject = load(answer.body)
            predictions += array(found, "predictions")
        except FormatError:
            return answer
    return Given(200, (JSON_TYPE,), dump({"predictions": predictions}))
