"""Passwords off the event loop, two at a time: bcrypt keeps a core busy, and relays need some of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.accounts.passwords import hash_password, verify_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_AT_ONCE = 2
# One limiter for each run of Trio, as Trio keeps its own default one; two gateways in a process share cores anyway.
_LIMITER: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("password hashers")


async def hashed(password: str) -> str:
    """Return the hash to store."""
    return await _in_thread(lambda: hash_password(password))


async def matches(password: str, stored: str) -> bool:
    """Return whether `password` is behind the hash; an empty hash takes as long and never matches."""
    return await _in_thread(lambda: verify_password(password, stored))


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        limiter = _LIMITER.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_AT_ONCE)
        _LIMITER.set(limiter)
    return await trio.to_thread.run_sync(work, limiter=limiter)
