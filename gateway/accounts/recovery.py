"""Recovery codes: each lets somebody in once who lost their authenticator.

They are shown once, when they are made; what is stored are hashes. At eighty bits a code cannot be guessed, and the
hash of one not be tried out.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.audit.author import Whereabouts, author_of
from gateway.audit.trail import note
from storage.repositories import sign_ins, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.accounts.totp import TotpCheck
    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import User

NUMBER = 10
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_PART, _PARTS = 4, 4
LONGEST_SENT = _PART * _PARTS + _PARTS - 1


async def renew(services: Services, author: Author) -> list[str]:
    """Return new recovery codes, which void all former ones. Raises `Refused` without a second factor."""
    codes = [_new_code() for _ in range(NUMBER)]
    hashes = [_hash_of(author.id, code) for code in codes]

    def work(conn: Connection) -> None:
        owner = users.locked(conn, author.id)
        if owner is None or not owner.totp_secret:
            raise Refused("TOTP is not enabled for this user")
        sign_ins.set_recovery_codes(conn, author.id, hashes)
        note(conn, author, "user.recovery-codes", object_id=author.id, name=author.username)

    await commit(services, work)
    return codes


async def left(services: Services, actor: User) -> int:
    """Return how many codes the actor has left."""
    return await services.database.read(lambda conn: sign_ins.recovery_codes_left(conn, actor.id))


async def check_second_factor(
    services: Services, totp: TotpCheck, user: User, code: str, *, at: Whereabouts | None = None
) -> None:
    """Return if `code` is right now: one of the authenticator's, or a recovery code, which is used up by it.

    Callers call `totp.pace` first. Raises `Refused`.
    """
    if not looks_like_one(code):
        await totp.check(user.id, user.totp_secret, code)
        return
    where = at or Whereabouts()

    def work(conn: Connection) -> bool:
        if not sign_ins.spend_recovery_code(conn, user.id, _hash_of(user.id, code)):
            return False
        by = author_of(user, address=where.address, via=where.via)
        remaining = sign_ins.recovery_codes_left(conn, user.id)
        changes = {"left": [remaining + 1, remaining]}
        note(conn, by, "user.recovery-code-used", object_id=user.id, name=user.username, changes=changes)
        return True

    if not await commit(services, work):
        raise Refused("the recovery code is wrong or was used")


def looks_like_one(text: str) -> bool:
    """Whether somebody sent a recovery code and not one of an authenticator."""
    return len(_plain(text)) == _PART * _PARTS


def _new_code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_PART * _PARTS))
    return "-".join(signs[start : start + _PART] for start in range(0, len(signs), _PART))


def _plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _hash_of(user_id: int, code: str) -> str:
    return hashlib.sha256(f"recovery\n{user_id}\n{_plain(code)}".encode("utf-8", "replace")).hexdigest()
