"""Changing options: checked first, stored after, in force at once everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.registry.options import OptionError
from storage.repositories import options

if TYPE_CHECKING:
    from gateway.services import Services

_LONGEST = 1 << 20


async def set_option(services: Services, key: str, value: str) -> None:
    """Store one option. Raises `Refused` with the reason when it does not fit."""
    if len(value) > _LONGEST:
        raise Refused(f"{key} is too long")
    try:
        services.registry.current.options.accept(key, value)
    except OptionError as error:
        raise Refused(str(error)) from error
    await commit(services, lambda conn: options.put(conn, key, value, now_ms=now_ms()))
    await services.registry.refresh()
