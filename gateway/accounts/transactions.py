"""Writing for people: a transaction that another one got in the way of is simply done again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio

from storage.errors import Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.services import Services

T = TypeVar("T")

_TRIES = 4
_PAUSE_S = 0.02


async def commit(services: Services, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction and return its result, durable.

    Repeated on deadlocks and lost locks, after which nothing was stored. Raises as `Database.write`.
    """
    for attempt in range(1, _TRIES):
        try:
            return await services.database.write(work)
        except Retryable:
            await trio.sleep(_PAUSE_S * attempt)
    return await services.database.write(work)
