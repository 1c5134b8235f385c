"""Signing in and staying signed in.

A session carries an account's number and session version, nothing else: role and state are read for every
request, so a ban, a demotion or a new password works at once, in every process.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.hashing import matches
from gateway.accounts.refusals import InvalidParameter, NotAllowed, SecondFactorWanted, TooManyAttempts
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from storage.records import Role, UserStatus
from storage.repositories import security, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.accounts.totp import TotpCheck
    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import User

WRONG = "Username or password is wrong, or user has been banned"
# Ten wrong passwords for one account from one address, then a pause of a quarter of an hour for that pair.
FAILURES = 10
FAILURE_WINDOW_S = 900.0
_MOST_PAUSES = 10_000
_LONGEST_ACCESS_TOKEN = 64


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who proved who they are, and the version that their session carries."""

    user: User
    version: int


class SignIn:
    """Checks passwords and slows down whoever guesses.

    Failures are counted in the shared windows. The pause itself is kept here: another process learns of it with
    the next failure that it sees.
    """

    def __init__(self, services: Services, totp: TotpCheck) -> None:
        self._services = services
        self._totp = totp
        self._pauses: dict[str, float] = {}

    async def by_password(self, *, username: str, password: str, code: str, address: str) -> Signed:
        """Return who signs in. Raises `Refused` with one text for unknown names, wrong passwords and bans."""
        if not username or not password:
            raise InvalidParameter
        pair = hashlib.sha256(f"{username.lower()}\n{address}".encode("utf-8", "replace")).hexdigest()[:32]
        if self._pauses.get(pair, 0.0) > time.monotonic():
            raise TooManyAttempts("Too many failed logins. Please wait before trying again.")
        user, version = await self._services.database.read(lambda conn: _by_login(conn, username))
        right = await matches(password, user.password if user else "")
        if user is None or not right or user.status != UserStatus.ENABLED:
            await self._failed(pair)
            raise NotAllowed(WRONG)
        if user.role != Role.ROOT and not self._services.registry.current.options.flag("PasswordLoginEnabled"):
            raise NotAllowed("The administrator has turned off login via password")
        if user.totp_secret:
            if not code:
                raise SecondFactorWanted(user.id)
            await self._totp.pace(user.id)
            await self._totp.check(user.id, user.totp_secret, code)
        return Signed(user, version)

    async def _failed(self, pair: str) -> None:
        if await self._services.windows.hit(f"login:{pair}", limit=FAILURES, window_s=FAILURE_WINDOW_S):
            return
        now = time.monotonic()
        if len(self._pauses) >= _MOST_PAUSES:
            self._pauses = {key: until for key, until in self._pauses.items() if until > now}
        self._pauses[pair] = now + FAILURE_WINDOW_S


async def by_session(services: Services, user_id: int, version: int) -> User | None:
    """Return the account of a session, or `None` when the session is void."""

    def work(conn: Connection) -> User | None:
        user = users.by_id(conn, user_id)
        if user is None:
            return None
        # A banned account is returned whatever its version, so that its owner is told.
        is_valid = user.status != UserStatus.ENABLED or security.session_version(conn, user.id) == version
        return user if is_valid else None

    return await services.database.read(work)


async def by_access_token(services: Services, token: str) -> User | None:
    """Return the account with this access token."""
    if not token or len(token) > _LONGEST_ACCESS_TOKEN or not token.isascii() or "\x00" in token:
        return None
    return await services.database.read(lambda conn: users.by_access_token(conn, token))


async def sign_out(services: Services, user: User, *, author: Author | None = None) -> None:
    """End all sessions of an account; `author` is who does it, where that is somebody else."""

    def work(conn: Connection) -> None:
        security.end_sessions(conn, user.id, now_ms=now_ms())
        if author is not None:
            note(conn, author, "user.sign-out", object_id=user.id, name=user.username)

    await commit(services, work)
    services.accounts.forget_user(user.id)


def _by_login(conn: Connection, text: str) -> tuple[User | None, int]:
    user = users.by_login(conn, text)
    return user, security.session_version(conn, user.id) if user else 0
