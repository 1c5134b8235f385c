"""What all ways of making and ending an account share: rules for names, new accounts with their gifts, leaving."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.entries import about, write_entry
from gateway.accounts.passwords import is_acceptable
from gateway.accounts.refusals import InvalidInput, NameTaken
from gateway.accounts.transactions import commit
from gateway.audit.author import Author, Whereabouts
from gateway.audit.trail import differences, note
from storage.errors import Conflict
from storage.records import LogType, Role, User, UserStatus
from storage.repositories import budgets, ledger, messages, security, tokens, users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from gateway.services import Services

LONGEST_USERNAME = 30
LONGEST_DISPLAY_NAME = 20
LONGEST_EMAIL = 50
# JavaScript clients read numbers above this one wrong.
MOST_UNITS = 2**53 - 1

NO_LIMIT = "Admin made the quota of the user unlimited"

_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH = 48
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account begins with."""

    username: str
    password_hash: str
    display_name: str = ""
    email: str = ""
    aff_code: str = ""
    """Invitation code of whoever invited this person; an unknown one is no error."""
    foreign_ids: Mapping[str, str] = field(default_factory=dict)
    """Ids at third parties, by column."""
    role: int = Role.USER
    status: int = UserStatus.ENABLED
    group: str = "default"
    quota: int | None = None
    """The balance, in quota units; `None` for what the site gives to new accounts."""
    unlimited_quota: bool = False


def check_lengths(*, username: str = "", display_name: str = "", email: str = "", password: str = "") -> None:
    """Refuse what is too long, and passwords that may not be chosen; empty texts pass."""
    if len(username) > LONGEST_USERNAME or len(display_name) > LONGEST_DISPLAY_NAME or len(email) > LONGEST_EMAIL:
        raise InvalidInput
    if password and not is_acceptable(password):
        raise InvalidInput


def is_plain_name(name: str) -> bool:
    """Return whether a name has only letters of any language, digits, and `_ - .`, as pages want new ones."""
    return all(sign.isalnum() or sign in "_-." for sign in name)


def new_key() -> str:
    """Return the secret part of a new API token."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))


def new_access_token() -> str:
    """Return a new access token."""
    return secrets.token_hex(16)


def new_aff_code(length: int = 4) -> str:
    """Return a new invitation code. Short for people, hence tried again when taken."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


async def open_account(
    services: Services,
    new: NewAccount,
    *,
    author: Author | None = None,
    claim: Callable[[Connection], None] | None = None,
    at: Whereabouts | None = None,
) -> int:
    """Make an account with access token, invitation code, default API token and gifts; return the id.

    All of it, its log and its audit are one transaction: there is the whole account, or none.

    `claim` runs first in the same transaction: it takes what only one account may have, or raises `Refused`.
    Without an `author` somebody from outside registers, from `at`.
    """

    def work(conn: Connection, code: str) -> tuple[int, int]:
        if claim is not None:
            claim(conn)
        made = _open(services, conn, new, code)
        where = at or Whereabouts()
        by = author or Author(id=made[0], username=new.username, role=Role.USER, address=where.address, via=where.via)
        action = "user.create" if author is not None else "user.register"
        changes = differences({}, _audited(services, new)) if author is not None else None
        note(conn, by, action, object_id=made[0], name=new.username, changes=changes)
        return made

    for attempt in range(_TRIES):
        try:
            code = new_aff_code(4 + attempt)
            user_id, inviter_id = await commit(services, lambda conn: work(conn, code))  # noqa: B023
        except Conflict as conflict:
            if "username" in conflict.where:
                raise NameTaken from conflict
            if attempt == _TRIES - 1:
                raise
        else:
            if inviter_id:
                services.accounts.forget_user(inviter_id)
            return user_id
    raise AssertionError


def _audited(services: Services, new: NewAccount) -> dict[str, object]:
    """Return what an administrator decided of a new account."""
    names = ("display_name", "email", "role", "status", "group")
    decided = {name: getattr(new, name) for name in names} | {"quota": _first_balance(services, new)}
    return decided | ({"unlimited_quota": True} if new.unlimited_quota else {})


def _first_balance(services: Services, new: NewAccount) -> int:
    return services.registry.current.options.integer("QuotaForNewUser") if new.quota is None else new.quota


def _open(services: Services, conn: Connection, new: NewAccount, code: str) -> tuple[int, int]:
    options = services.registry.current.options
    moment = now_ms()
    inviter = users.by_aff_code(conn, new.aff_code) if new.aff_code else None
    balance = _first_balance(services, new)
    user_id = users.add(
        conn,
        {
            "username": new.username,
            "password": new.password_hash,
            "display_name": new.display_name or new.username,
            "email": new.email,
            "role": new.role,
            "status": new.status,
            "github_id": "",
            "wechat_id": "",
            "lark_id": "",
            "oidc_id": "",
            **new.foreign_ids,
            "access_token": new_access_token(),
            "totp_secret": "",
            "quota": balance,
            "used_quota": 0,
            "request_count": 0,
            "group": new.group,
            "aff_code": code,
            "inviter_id": inviter.id if inviter else 0,
            "created_at": moment,
            "updated_at": moment,
        },
    )
    ledger.post(conn, kind=ledger.OPENING, at_ms=moment, user_id=user_id, user_units=balance, note="new account")
    user = User(id=user_id, username=new.username)
    if new.quota is not None:
        text = f"Admin made the account with quota {options.money(balance)}"
        write_entry(services, conn, about(user, LogType.MANAGE, text))
    elif balance:
        text = f"New user registration gift {options.money(balance)}"
        write_entry(services, conn, about(user, LogType.SYSTEM, text))
    if new.unlimited_quota:
        users.set_unlimited(conn, user_id, True, now_ms=moment)
        write_entry(services, conn, about(user, LogType.MANAGE, NO_LIMIT))
    if inviter is not None:
        for receiver, option, why in (
            (user, "QuotaForInvitee", "for using invitation code"),
            (inviter, "QuotaForInviter", "for inviting user"),
        ):
            _give(services, conn, receiver, options.integer(option), why)
    _default_token(conn, user_id, moment)
    return user_id, inviter.id if inviter else 0


def _give(services: Services, conn: Connection, user: User, units: int, why: str) -> None:
    if units <= 0 or not users.add_quota(conn, user.id, units, now_ms=now_ms(), most=MOST_UNITS):
        return
    ledger.post(conn, kind="gift", at_ms=now_ms(), user_id=user.id, user_units=units, note=why)
    amount = services.registry.current.options.money(units)
    write_entry(services, conn, about(user, LogType.SYSTEM, f"Gifted {amount} {why}"))


def _default_token(conn: Connection, user_id: int, moment: int) -> None:
    # -1 is what one-api writes; it means nothing on an unlimited token, yet the books follow the column.
    remaining = -1
    token_id = tokens.add(
        conn,
        {
            "user_id": user_id,
            "key": new_key(),
            "status": 1,
            "name": "default",
            "created_time": now_s(),
            "accessed_time": now_s(),
            "expired_time": -1,
            "remain_quota": remaining,
            "unlimited_quota": True,
            "used_quota": 0,
            "subnet": "",
            "created_at": moment,
            "updated_at": moment,
        },
    )
    ledger.post(conn, kind=ledger.OPENING, at_ms=moment, token_id=token_id, token_units=remaining, note="new token")


def close_account(conn: Connection, user: User) -> User:
    """Delete an account: the row stays with state and a name that nobody wants, and every access ends.

    What was recorded of what they said goes at once.
    """
    moment = now_ms()
    gone = f"deleted_{secrets.token_hex(16)}"
    users.change(conn, user.id, {"status": UserStatus.DELETED, "username": gone, "updated_at": moment})
    security.end_sessions(conn, user.id, now_ms=moment)
    messages.remove_of_user(conn, user.id)
    budgets.forget(conn, budgets.USER, str(user.id))
    return replace(user, status=UserStatus.DELETED, username=gone)
