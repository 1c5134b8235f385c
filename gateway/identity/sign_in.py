"""Whom a third party vouches for signs in, gets an account, or binds their identity to the one they have."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.people import LONGEST_DISPLAY_NAME, LONGEST_USERNAME, NewAccount, open_account
from gateway.accounts.refusals import NameTaken, NotAllowed, Refused
from gateway.accounts.sessions import Signed
from gateway.accounts.transactions import commit
from gateway.audit.trail import Changes, note
from gateway.identity import addresses
from gateway.identity.foreign import ThirdPartyFailed
from storage.records import UserStatus
from storage.repositories import codes, identities, security, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author, Whereabouts
    from gateway.identity.foreign import ForeignAccount
    from gateway.services import Services

_LONGEST_ID = 191
_NUMBERED = 20
_TAKEN = {
    "github_id": "The GitHub account has been bound",
    "oidc_id": "This OIDC account has already been bound",
    "lark_id": "This Lark account has already been bound",
    "wechat_id": "The WeChat account has been bound",
}


class _AddressTaken(Exception):
    """Somebody was given the address while the account was being made."""


async def sign_in(services: Services, who: ForeignAccount, *, at: Whereabouts | None = None) -> Signed:
    """Return the account of `who`, a new one if need be. Raises `Refused`."""
    _check(who)
    found = await services.database.read(lambda conn: _known(conn, who))
    if found is None:
        if not services.registry.current.options.flag("RegisterEnabled"):
            raise NotAllowed("The administrator has turned off new user registration")
        await _register(services, who, at)
        found = await services.database.read(lambda conn: _known(conn, who))
    if found is None or found.user.status != UserStatus.ENABLED:
        raise NotAllowed("User has been banned")
    return found


async def bind(services: Services, author: Author, who: ForeignAccount) -> None:
    """Make the identity one of the author's account. Raises `Refused` when it is an account's already."""
    _check(who)

    def work(conn: Connection) -> None:
        before = users.by_id(conn, author.id)
        _claim(conn, who)
        users.change(conn, author.id, {who.column: who.id, "updated_at": now_ms()})
        changes: Changes = {str(who.column): [getattr(before, who.column, ""), who.id]}
        note(conn, author, "user.update", object_id=author.id, name=author.username, changes=changes)

    await commit(services, work)
    services.accounts.forget_user(author.id)


async def _register(services: Services, who: ForeignAccount, at: Whereabouts | None) -> None:
    email = who.email if addresses.is_address(who.email) else ""
    number = await services.database.read(identities.next_id)
    wanted = _clean(who.username) or f"{who.column.removesuffix('_id')}_{number}"
    for attempt in range(_NUMBERED):
        suffix = "" if not attempt else str(attempt) if attempt < _NUMBERED - 1 else secrets.token_hex(4)
        new = NewAccount(
            username=wanted[: LONGEST_USERNAME - len(suffix)] + suffix,
            password_hash="",
            display_name=_clean(who.display_name)[:LONGEST_DISPLAY_NAME],
            email=email,
            foreign_ids={who.column: who.id},
        )
        try:
            await open_account(services, new, claim=partial(_claim, who=who, email=email), at=at)
            return
        except _AddressTaken:
            email = ""
        except NameTaken:
            continue
    raise Refused("no free username was found")


def _claim(conn: Connection, who: ForeignAccount, email: str = "") -> None:
    """Make sure that no other account has the identity, and keep it so until the transaction ends."""
    codes.take_turn(conn, f"{who.column}\n{who.id}")
    if identities.by_foreign_id(conn, who.column, who.id) is not None:
        raise Refused(_TAKEN[who.column])
    if email:
        addresses.reserve(conn, email)
        if not addresses.is_free(conn, email):
            raise _AddressTaken


def _known(conn: Connection, who: ForeignAccount) -> Signed | None:
    user = identities.by_foreign_id(conn, who.column, who.id)
    return None if user is None else Signed(user, security.session_version(conn, user.id))


def _check(who: ForeignAccount) -> None:
    if len(who.id) > _LONGEST_ID or "\x00" in who.id:
        raise ThirdPartyFailed("the third party's id cannot be stored")


def _clean(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()
