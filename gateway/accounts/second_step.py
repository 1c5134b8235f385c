"""The second step of signing in, where an earlier request proved the first: a page's password, or a third party.

Account, session version and time wait in the signed session, never the password.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.accounts import recovery
from gateway.accounts.refusals import NotAllowed
from gateway.accounts.sessions import Signed
from storage.records import UserStatus
from storage.repositories import security, users

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from sqlalchemy import Connection

    from gateway.accounts.totp import TotpCheck
    from gateway.audit.author import Whereabouts
    from gateway.services import Services
    from storage.records import User

# How long a password that was right stands without its code.
PATIENCE_S = 300.0
_KEY = "waiting"
_OVER = "Please sign in again"


async def version_of(services: Services, user_id: int) -> int:
    """Return the session version that a waiting sign-in is tied to."""
    return await services.database.read(lambda conn: security.session_version(conn, user_id))


def begin(session: MutableMapping[str, object], *, user_id: int, version: int) -> None:
    """Have a sign-in wait for its code."""
    session[_KEY] = [user_id, version, int(time.time())]


def is_awaited(session: MutableMapping[str, object]) -> bool:
    """Whether a sign-in waits for its code in this session."""
    return _kept(session) is not None


async def finish(
    services: Services,
    totp: TotpCheck,
    session: MutableMapping[str, object],
    *,
    code: str,
    at: Whereabouts | None = None,
) -> Signed:
    """Return who signs in. Raises `NotAllowed` when they must begin anew, `Refused` for a wrong code.

    The code is one of the authenticator's or a recovery code; `at` is from where it was sent.
    """
    try:
        return await _finish(services, totp, _kept(session), code=code, at=at)
    except NotAllowed:
        session.pop(_KEY, None)
        raise


def _kept(session: MutableMapping[str, object]) -> tuple[int, int, int] | None:
    waiting = session.get(_KEY)
    if not isinstance(waiting, list) or len(waiting) != 3 or not all(isinstance(part, int) for part in waiting):
        return None
    return waiting[0], waiting[1], waiting[2]


async def _finish(
    services: Services, totp: TotpCheck, kept: tuple[int, int, int] | None, *, code: str, at: Whereabouts | None
) -> Signed:
    if kept is None:
        raise NotAllowed(_OVER)
    user_id, version, began_at = kept
    if not 0 <= time.time() - began_at <= PATIENCE_S:
        raise NotAllowed(_OVER)

    def work(conn: Connection) -> tuple[User | None, int]:
        return users.by_id(conn, user_id), security.session_version(conn, user_id)

    user, now = await services.database.read(work)
    if user is None or user.status != UserStatus.ENABLED or now != version or not user.totp_secret:
        raise NotAllowed(_OVER)
    await totp.pace(user.id)
    await recovery.check_second_factor(services, totp, user, code, at=at)
    return Signed(user, now)
