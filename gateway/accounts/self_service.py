"""What people do with their own account: register, change it, leave, renew its secrets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.hashing import hashed
from gateway.accounts.people import (
    NewAccount,
    check_lengths,
    close_account,
    new_access_token,
    new_aff_code,
    open_account,
)
from gateway.accounts.refusals import InvalidInput, NotAllowed, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import differences, note
from gateway.identity import addresses
from storage.errors import Conflict
from storage.records import Role
from storage.repositories import security, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author, Whereabouts
    from gateway.services import Services
    from storage.records import User

_CLOSED = "The administrator has turned off new user registration"
_CLOSED_TO_PASSWORDS = (
    "The administrator has turned off registration via password. "
    "Please use the form of third-party account verification to register"
)
_NEEDS_MAIL = (
    "The administrator has turned on email verification, please enter the email address and verification code"
)


async def register(
    services: Services,
    *,
    username: str,
    password: str,
    display_name: str,
    email: str,
    code: str,
    aff_code: str,
    at: Whereabouts | None = None,
) -> None:
    """Make an account for somebody from outside. `code` is what was mailed to `email`, where that is required."""
    options = services.registry.current.options
    if not options.flag("RegisterEnabled"):
        raise NotAllowed(_CLOSED)
    if not options.flag("PasswordRegisterEnabled"):
        raise NotAllowed(_CLOSED_TO_PASSWORDS)
    username = username.strip()
    if not username or not password:
        raise InvalidInput
    # The display name is not taken over, yet one that is too long was always refused.
    check_lengths(username=username, display_name=display_name, email=email, password=password)
    if options.flag("EmailVerificationEnabled"):
        if not email or not code:
            raise Refused(_NEEDS_MAIL)
        await addresses.check_code(services, email, code)
        claim = partial(addresses.claim, address=email, code=code)
    else:
        # Nobody proved that it is theirs.
        email, claim = "", None
    new = NewAccount(username=username, password_hash=await hashed(password), email=email, aff_code=aff_code)
    await open_account(services, new, claim=claim, at=at)


async def update_self(
    services: Services, actor: Author, *, username: str, display_name: str, password: str
) -> int | None:
    """Change name, display name, and the password if there is one.

    A new password ends all sessions; returned is the version that the session at hand must carry to go on.
    """
    username, display_name = username.strip(), display_name.strip()
    if not username:
        raise Refused("Username cannot be empty")
    if not display_name:
        raise Refused("Display name cannot be empty")
    try:
        check_lengths(username=username, display_name=display_name, password=password)
    except InvalidInput as error:
        raise Refused(
            "Input is illegal: a name is too long, or the password does not have 8 to 64 characters"
        ) from error
    values: dict[str, object] = {"username": username, "display_name": display_name, "updated_at": now_ms()}
    if password:
        values["password"] = await hashed(password)

    def work(conn: Connection) -> int | None:
        users.change(conn, actor.id, values)
        changes = differences(
            {"username": actor.username, "password": ""},
            {"username": username, "password": values.get("password", "")},
            secrets=("password",),
        )
        note(conn, actor, "user.update", object_id=actor.id, name=username, changes=changes)
        return security.end_sessions(conn, actor.id, now_ms=now_ms()) if password else None

    try:
        version = await commit(services, work)
    except Conflict as conflict:
        raise Refused("Username already exists") from conflict
    services.accounts.forget_user(actor.id)
    return version


async def delete_self(services: Services, actor: Author) -> None:
    """Leave. Root cannot."""
    if actor.role == Role.ROOT:
        raise NotAllowed("Cannot delete super administrator account")

    def work(conn: Connection) -> None:
        found = users.locked(conn, actor.id)
        if found is not None:
            close_account(conn, found)
            note(conn, actor, "user.delete", object_id=found.id, name=found.username)

    await commit(services, work)
    services.accounts.forget_user(actor.id)


async def renew_access_token(services: Services, actor: Author) -> str:
    """Return a new access token; the old one is void."""
    token = new_access_token()
    values: dict[str, object] = {"access_token": token, "updated_at": now_ms()}

    def work(conn: Connection) -> None:
        users.change(conn, actor.id, values)
        note(conn, actor, "user.access-token", object_id=actor.id, name=actor.username)

    await commit(services, work)
    services.accounts.forget_user(actor.id)
    return token


async def invitation_code(services: Services, actor: User) -> str:
    """Return the invitation code, made on first use."""
    if actor.aff_code:
        return actor.aff_code
    for length in range(4, 12):
        code = new_aff_code(length)
        values: dict[str, object] = {"aff_code": code, "updated_at": now_ms()}
        try:
            await commit(services, lambda conn: users.change(conn, actor.id, values))  # noqa: B023
        except Conflict:
            continue
        services.accounts.forget_user(actor.id)
        return code
    raise Refused("no free invitation code was found, please try again")
