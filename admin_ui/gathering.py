"""Doing several things side by side, since most of what a page shows is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def gathered(**works: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    """Return what each found, by its name. The first error ends all.

    The database's lanes bound how many questions are asked at once.
    """
    found: dict[str, Any] = {}

    async def run(name: str, work: Callable[[], Awaitable[Any]]) -> None:
        found[name] = await work()

    async with trio.open_nursery() as nursery:
        for name, work in works.items():
            nursery.start_soon(run, name, work)
    return found
