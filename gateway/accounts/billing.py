"""The balance that a billing dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.repositories import tokens, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import Token, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Quota units left and used."""

    remaining: int
    used: int
    is_unlimited: bool = False


async def balance(services: Services, token: Token, owner: User) -> Balance:
    """Return the token's balance, or its owner's where the site shows that; read anew, not from a cache."""
    of_token = services.registry.current.options.flag("DisplayTokenStatEnabled")

    def work(conn: Connection) -> Balance:
        if of_token:
            fresh = tokens.by_id(conn, token.id) or token
            return Balance(remaining=fresh.remain_quota, used=fresh.used_quota, is_unlimited=fresh.unlimited_quota)
        person = users.by_id(conn, owner.id) or owner
        return Balance(remaining=person.quota, used=person.used_quota, is_unlimited=person.unlimited_quota)

    return await services.database.read(work)
