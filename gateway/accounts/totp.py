"""The second factor: time-based codes (RFC 6238) of six digits over 30 seconds with SHA-1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from gateway.accounts import recovery
from gateway.accounts.clock import now_ms
from gateway.accounts.entries import about, write_entry
from gateway.accounts.refusals import NotAllowed, NotFound, Refused, TooManyAttempts
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from storage.records import LogType, Role
from storage.repositories import sign_ins, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.cluster.types import Windows
    from gateway.services import Services
    from storage.records import User

PERIOD_S = 30
_DIGITS = 6
# A code is good for its own period and the ones beside it, for clocks that are a little off.
_DRIFT = 1
_HURRIED = "Too many TOTP verification attempts. Please wait before trying again."


def new_secret() -> str:
    """Return a new secret in base32, 160 bits as the RFC asks for."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, period: int) -> str:
    """Return the code of one period. Raises `ValueError` for a secret that is not base32."""
    padded = secret.strip().replace(" ", "").upper()
    padded += "=" * (-len(padded) % 8)
    try:
        key = base64.b32decode(padded)
    except binascii.Error as error:
        raise ValueError("not base32") from error
    digest = hmac.new(key, struct.pack(">Q", period), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def uri(secret: str, *, issuer: str, account: str) -> str:
    """Return the address that authenticator apps read from a QR code."""
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='')}?{query}"


class TotpCheck:
    """Checks codes: one attempt a second for each account, and each code once. Both are counted in shared windows.

    Callers call `pace` first, even before they look at what was sent.
    """

    def __init__(self, windows: Windows) -> None:
        self._windows = windows

    async def check(self, user_id: int, secret: str, code: str) -> None:
        """Return if `code` is right now. Raises `Refused` for a wrong or used one."""
        period = int(time.time()) // PERIOD_S
        for candidate in range(period - _DRIFT, period + _DRIFT + 1):
            try:
                right = hmac.compare_digest(code_at(secret, candidate).encode(), code.strip().encode())
            except ValueError:
                break
            if right:
                key = f"totp:{user_id}:{candidate}"
                if await self._windows.hit(key, limit=1, window_s=PERIOD_S * (2 * _DRIFT + 1)):
                    return
                break
        raise Refused("Invalid TOTP code")

    async def pace(self, user_id: int) -> None:
        """Count an attempt. Raises `TooManyAttempts` when the last one is less than a second ago."""
        if not await self._windows.hit(f"totp:{user_id}", limit=1, window_s=1.0):
            raise TooManyAttempts(_HURRIED)


async def confirm(services: Services, check: TotpCheck, actor: Author, *, secret: str, code: str) -> None:
    """Switch the second factor on with a secret that the person proved to have."""
    if not code:
        raise Refused("TOTP code is required")
    if not secret:
        raise Refused("No TOTP setup session found. Please start setup again.")
    await check.check(actor.id, secret, code)
    await _store(services, actor, secret, "user.2fa-on")


async def disable(services: Services, check: TotpCheck, author: Author, actor: User, *, code: str) -> None:
    """Switch one's own second factor off."""
    if not code:
        raise Refused("TOTP code is required")
    if not actor.totp_secret:
        raise Refused("TOTP is not enabled for this user")
    await recovery.check_second_factor(services, check, actor, code)
    await _store(services, author, "", "user.2fa-off")


async def disable_for(services: Services, actor: Author, user_id: int) -> None:
    """Switch the second factor of somebody of a lower role off."""

    def work(conn: Connection) -> None:
        target = users.locked(conn, user_id)
        if target is None:
            raise NotFound("User does not exist")
        if actor.role != Role.ROOT and target.role >= actor.role:
            raise NotAllowed("No permission to modify user with the same or higher permission level")
        if not target.totp_secret:
            raise Refused("TOTP is not enabled for this user")
        users.change(conn, user_id, {"totp_secret": "", "updated_at": now_ms()})
        sign_ins.set_recovery_codes(conn, user_id, [])
        text = f"Admin (ID: {actor.id}) disabled TOTP for user {target.username}"
        write_entry(services, conn, about(target, LogType.MANAGE, text))
        note(conn, actor, "user.2fa-off", object_id=target.id, name=target.username)

    await commit(services, work)
    services.accounts.forget_user(user_id)


async def _store(services: Services, actor: Author, secret: str, action: str) -> None:
    def work(conn: Connection) -> None:
        note(conn, actor, action, object_id=actor.id, name=actor.username)
        users.change(conn, actor.id, {"totp_secret": secret, "updated_at": now_ms()})
        # Codes belong to the secret that they stand in for.
        sign_ins.set_recovery_codes(conn, actor.id, [])

    await commit(services, work)
    services.accounts.forget_user(actor.id)
