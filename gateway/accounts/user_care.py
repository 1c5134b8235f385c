"""What administrators see and do beyond an account's own columns, and what people untie from their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotAllowed, Refused
from gateway.accounts.transactions import commit
from gateway.accounts.users import read_user
from gateway.audit.trail import Changes, note
from gateway.identity import addresses
from storage.repositories import people_facts, sign_ins, users
from storage.repositories.people_facts import UserFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.mail.courier import Courier
    from gateway.services import Services
    from storage.records import User

_WAYS = {"github": "github_id", "wechat": "wechat_id", "lark": "lark_id", "oidc": "oidc_id"}
_INVITED = "for inviting user"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """What a list says of an account beside its columns."""

    facts: UserFacts
    inviter: str = ""
    """Name of who invited them, empty for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitations:
    """How many people came by somebody's link, and the units that this brought."""

    people: int
    units: int


async def rows_of(services: Services, found: Sequence[User]) -> dict[int, UserRow]:
    """Return what is known of some accounts, by their numbers."""

    def work(conn: Connection) -> tuple[dict[int, UserFacts], dict[int, str]]:
        names = users.names_of(conn, list({user.inviter_id for user in found if user.inviter_id}))
        return people_facts.facts_of_users(conn, [user.id for user in found]), names

    facts, names = await services.database.read(work)
    return {
        user.id: UserRow(facts=facts.get(user.id, UserFacts()), inviter=names.get(user.inviter_id, ""))
        for user in found
    }


async def recovery_codes_left(services: Services, user: User) -> int:
    """Return how many recovery codes somebody has left."""
    return await services.database.read(lambda conn: sign_ins.recovery_codes_left(conn, user.id))


async def invitations_of(services: Services, user: User) -> Invitations:
    """Return what somebody's invitation link brought."""

    def work(conn: Connection) -> Invitations:
        return Invitations(
            people=people_facts.invited(conn, user.id), units=people_facts.gifts_for(conn, user.id, _INVITED)
        )

    return await services.database.read(work)


async def send_reset(services: Services, author: Author, courier: Courier, user_id: int) -> str:
    """Mail somebody of a lower role a link to choose a new password; return the address it went to.

    Raises `Refused`, and `MailFailed` where it could not be handed to the mail server.
    """
    target = await read_user(services, author, user_id)
    if not target.email:
        raise Refused("the account has no e-mail address")
    courier.check_configured()
    letter = await addresses.new_reset(services, target)

    def work(conn: Connection) -> None:
        note(conn, author, "user.reset-mail", object_id=target.id, name=target.username)

    await commit(services, work)
    await courier.send(target.email, letter)
    return target.email


async def untie(services: Services, author: Author, actor: User, way: str) -> None:
    """Take a third party's identity off one's own account. Raises `Refused` if no other way in were left."""
    column = _WAYS.get(way)
    tied = {name for name in _WAYS.values() if getattr(actor, name)}
    if column is None or column not in tied:
        raise Refused("this is not linked")
    if not actor.password and tied == {column}:
        raise NotAllowed("Choose a password first: nothing else would let you in")

    def work(conn: Connection) -> None:
        users.change(conn, actor.id, {column: "", "updated_at": now_ms()})
        changes: Changes = {column: [getattr(actor, column), ""]}
        note(conn, author, "user.update", object_id=actor.id, name=actor.username, changes=changes)

    await commit(services, work)
    services.accounts.forget_user(actor.id)
