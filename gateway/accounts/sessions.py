"""Signing in and staying signed in.

A session carries an account's number and session version: role and state are read for every request, so a ban, a
demotion or a new password works at once, in every process. It also carries a secret of its own, whose hash names a
row: each browser can be listed, and ended alone. Sessions that were begun before there were such rows have none.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts import recovery
from gateway.accounts.clock import now_ms
from gateway.accounts.hashing import matches
from gateway.accounts.refusals import InvalidParameter, NotAllowed, SecondFactorWanted, TooManyAttempts
from gateway.accounts.transactions import commit
from gateway.audit.author import Whereabouts
from gateway.audit.trail import note
from storage.errors import StorageError
from storage.records import Role, UserStatus
from storage.repositories import security, sign_ins, users
from storage.repositories.sign_ins import SessionRow

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.accounts.totp import TotpCheck
    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import User

_PAUSED = "Too many failed logins. Please wait before trying again."
WRONG = "Username or password is wrong, or user has been banned"
# Ten wrong passwords for one account from one address, then a pause of a quarter of an hour for that pair.
FAILURES = 10
FAILURE_WINDOW_S = 900.0
_MOST_PAUSES = 10_000
_LONGEST_ACCESS_TOKEN = 64
# Programs that sign in for every call would fill a list that people read.
MOST_SESSIONS = 500
_LISTED = 50
# Each calls itself by the names of those below it as well.
_BROWSERS = (
    ("Edg/", "Edge"), ("EdgiOS/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
    ("MicroMessenger/", "WeChat"), ("FxiOS/", "Firefox"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
# How exact "last seen" is: a write for every page would be felt.
SEEN_EVERY_MS = 60_000


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
        left_s = self._pauses.get(pair, 0.0) - time.monotonic()
        if left_s > 0:
            raise TooManyAttempts(
                "Too many failed logins. Please wait before trying again.", wait_s=math.ceil(left_s)
            )
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
            where = Whereabouts(address)
            await recovery.check_second_factor(self._services, self._totp, user, code, at=where)
        return Signed(user, version)

    async def _failed(self, pair: str) -> None:
        if await self._services.windows.hit(f"login:{pair}", limit=FAILURES, window_s=FAILURE_WINDOW_S):
            return
        now = time.monotonic()
        if len(self._pauses) >= _MOST_PAUSES:
            self._pauses = {key: until for key, until in self._pauses.items() if until > now}
        self._pauses[pair] = now + FAILURE_WINDOW_S


async def by_session(
    services: Services, user_id: int, version: int, secret: str | None = None, *, address: str = ""
) -> User | None:
    """Return the account of a session, or `None` when the session is void. `secret` is what `begin` returned.

    With an `address` it counts as seen there.
    """
    session_id = session_id_of(secret) if secret else ""

    def work(conn: Connection) -> tuple[User | None, int]:
        user = users.by_id(conn, user_id)
        # A banned account is returned whatever its version, so that its owner is told.
        if user is None or user.status != UserStatus.ENABLED:
            return user, 0
        if security.session_version(conn, user.id) != version:
            return None, 0
        seen = sign_ins.seen_at(conn, session_id, user.id) if session_id else 0
        return (None, 0) if seen is None else (user, seen)

    user, seen = await services.database.read(work)
    if seen and address and now_ms() - seen > SEEN_EVERY_MS:
        # Nobody is turned away for a note about when they were seen.
        with suppress(StorageError):
            await services.database.write(
                lambda conn: sign_ins.touch(conn, session_id, now_ms=now_ms(), address=address)
            )
    return user


def session_id_of(secret: str) -> str:
    """Return the name of the row of a session whose cookie carries `secret`."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


async def begin(services: Services, user_id: int, version: int, *, address: str, agent: str) -> str:
    """Note that a browser is signed in from now on, and return the secret that its cookie must carry."""
    secret = secrets.token_hex(16)
    moment = now_ms()
    row = SessionRow(
        id=session_id_of(secret),
        user_id=user_id,
        created_at=moment,
        seen_at=moment,
        address=address,
        agent=agent,
        version=version,
    )
    await commit(services, lambda conn: sign_ins.add_session(conn, row, most=MOST_SESSIONS))
    return secret


async def list_sessions(services: Services, actor: User) -> list[SessionRow]:
    """Return where the actor is signed in, the browser that was seen last first."""

    def work(conn: Connection) -> list[SessionRow]:
        version = security.session_version(conn, actor.id)
        return sign_ins.sessions_of(conn, actor.id, version=version, limit=_LISTED)

    return await services.database.read(work)


def device_of(agent: str) -> tuple[str, str]:
    """Return browser and system as a `User-Agent` names them, each empty where it does not."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return browser or agent.partition("/")[0][:40], system


async def end(services: Services, author: Author, session_id: str) -> bool:
    """End one of one's own sessions; `False` when it was over already."""

    def work(conn: Connection) -> bool:
        is_ended = sign_ins.end_session(conn, author.id, session_id)
        if is_ended:
            note(conn, author, "user.session-end", object_id=author.id, name=author.username)
        return is_ended

    return await commit(services, work)


async def leave(services: Services, user: User, secret: str | None) -> None:
    """Sign out here. A session without a row of its own cannot be ended alone, so then all of them are."""
    if not secret:
        await sign_out(services, user)
        return
    await commit(services, lambda conn: sign_ins.end_session(conn, user.id, session_id_of(secret)))


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
