"""Lists of accounts, tokens and codes with filters, and accounts made complete, as pages need them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.accounts import users as people
from gateway.accounts.refusals import NotFound
from storage.records import Role
from storage.repositories import filtered, users

if TYPE_CHECKING:
    from gateway.accounts.users import UserEdit
    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import Redemption, Token, User
    from storage.repositories.filtered import Wanted
    from storage.repositories.rows import Page, Sort


async def list_users(services: Services, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[User], int]:
    """Return one page of accounts, and their number."""
    return await services.database.read(lambda conn: filtered.user_page(conn, wanted, sort, page))


async def list_tokens(
    services: Services, actor: User, wanted: Wanted, sort: Sort, page: Page
) -> tuple[list[Token], int]:
    """Return one page of the actor's tokens, and their number."""
    return await services.database.read(lambda conn: filtered.token_page(conn, actor.id, wanted, sort, page))


async def list_codes(services: Services, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[Redemption], int]:
    """Return one page of redemption codes, and their number."""
    return await services.database.read(lambda conn: filtered.code_page(conn, wanted, sort, page))


async def create_complete_user(services: Services, actor: Author, edit: UserEdit) -> User:
    """Make an account and write everything that was filled in; `edit.id` does not count. Raises `Refused`."""
    await people.create_user(
        services,
        actor,
        username=edit.username,
        password=edit.password,
        display_name=edit.display_name or None,
        role=edit.role or 0,
    )
    made = await services.database.read(lambda conn: users.by_name(conn, edit.username.strip()))
    if made is None:
        raise NotFound("User does not exist")
    whole = replace(edit, id=made.id, display_name=edit.display_name or edit.username, password="")
    await people.update_user(services, actor, whole)
    return made


def reaches(actor: User, target: User) -> bool:
    """Whether the actor may act on an account; services refuse the rest, so pages need not offer it."""
    return target.id != actor.id and (actor.role == Role.ROOT or target.role < actor.role)
