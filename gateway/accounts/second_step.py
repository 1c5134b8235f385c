"""The second step of signing in on pages, where the password was checked by an earlier request.

The page keeps account, session version and time in its signed cookie, never the password.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed
from gateway.accounts.sessions import Signed
from storage.records import UserStatus
from storage.repositories import security, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.accounts.totp import TotpCheck
    from gateway.services import Services
    from storage.records import User

# How long a password that was right stands without its code.
PATIENCE_S = 300.0
_OVER = "Please sign in again"


async def version_of(services: Services, user_id: int) -> int:
    """Return the session version that a waiting sign-in is tied to."""
    return await services.database.read(lambda conn: security.session_version(conn, user_id))


async def finish(
    services: Services, totp: TotpCheck, *, user_id: int, version: int, began_at: float, code: str
) -> Signed:
    """Return who signs in. Raises `NotAllowed` when they must begin anew, `Refused` for a wrong code."""
    if not 0 <= time.time() - began_at <= PATIENCE_S:
        raise NotAllowed(_OVER)

    def work(conn: Connection) -> tuple[User | None, int]:
        return users.by_id(conn, user_id), security.session_version(conn, user_id)

    user, now = await services.database.read(work)
    if user is None or user.status != UserStatus.ENABLED or now != version or not user.totp_secret:
        raise NotAllowed(_OVER)
    await totp.pace(user.id)
    await totp.check(user.id, user.totp_secret, code)
    return Signed(user, now)
