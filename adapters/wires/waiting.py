"""Asking for a task again and again until it is over."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from adapters.formats.errors import FormatError
from adapters.formats.reading import load
from adapters.transport.types import HeadTimeout, ResponseBroken, TransportError
from adapters.wires.exchange import MOST_BYTES, read_all
from adapters.wires.framing import Given

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest

CANCEL_S = 3.0
_MOST_FAILURES = 3
"""A provider may stumble while it works for us; what it does so often in a row is its answer."""


async def wait_until_ready(
    request: UpstreamRequest,
    transport: Transport,
    *,
    is_over: Callable[[JsonObject], bool],
    every_s: float,
    longest_s: float,
) -> Given:
    """Return the first answer that `is_over`, or that refuses to say.

    Raises `TransportError`: `HeadTimeout` after `longest_s`.
    """
    failures = 0
    with trio.move_on_after(longest_s):
        while True:
            answer = await _asked(request, transport)
            if answer is None or answer.status in (408, 429) or answer.status >= 500:
                failures += 1
            elif answer.status >= 300:
                return answer
            else:
                failures = 0
                try:
                    if is_over(load(answer.body)):
                        return answer
                except FormatError:
                    failures += 1
            if failures >= _MOST_FAILURES:
                if answer is not None and answer.status >= 300:
                    return answer
                raise ResponseBroken("the provider lost the task")
            await trio.sleep(every_s)
    raise HeadTimeout("the provider did not finish in time")


async def _asked(request: UpstreamRequest, transport: Transport) -> Given | None:
    """Return what the provider says now, or `None` if it could not be asked."""
    try:
        response = await transport.send(request)
        try:
            return Given(response.status, response.headers, await read_all(response, most=MOST_BYTES))
        finally:
            await response.aclose()
    except TransportError:
        return None


async def cancel(request: UpstreamRequest, transport: Transport) -> None:
    """Tell the provider to stop, if it can be told within a moment. Also while being cancelled oneself."""
    with trio.move_on_after(CANCEL_S, shield=True), suppress(TransportError):
        response = await transport.send(request)
        await response.aclose()
