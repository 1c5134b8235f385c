"""Asking for a task again and again until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.formats.errors import FormatError
from adapters.formats.reading import load
from adapters.transport.types import IdleTimeout, ResponseBroken
from adapters.wires.exchange import MOST_BYTES, read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.neutral import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest

_MOST_FAILURES = 3
"""A provider may stumble while it works for us; what it does so often in a row is its answer."""


async def wait_until_ready(
    request: UpstreamRequest,
    transport: Transport,
    *,
    is_over: Callable[[JsonObject], bool],
    every_s: float,
    longest_s: float,
) -> bytes:
    """Return the body of the first answer that `is_over`. Raises `TransportError`, also after `longest_s`."""
    failures = 0
    with trio.move_on_after(longest_s):
        while True:
            response = await transport.send(request)
            try:
                body = await read_all(response, most=MOST_BYTES)
            finally:
                await response.aclose()
            try:
                if response.status < 300 and is_over(load(body)):
                    return body
                failures = 0 if response.status < 300 else failures + 1
            except FormatError:
                failures += 1
            if failures >= _MOST_FAILURES or (400 <= response.status < 500 and response.status != 429):
                raise ResponseBroken("the provider lost the task")
            await trio.sleep(every_s)
    raise IdleTimeout("the provider did not finish in time")
