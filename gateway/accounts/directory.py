"""Lists of accounts, tokens and codes with filters, as pages need them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.accounts import token_facts
from gateway.accounts.clock import now_s
from storage.records import Role
from storage.repositories import people_facts, people_lists, users
from storage.repositories.list_figures import USE_OF_TOKENS
from storage.repositories.people_lists import TokenFilter, UserFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import Redemption, Token, User
    from storage.repositories.filtered import Wanted
    from storage.repositories.people_facts import CodeFacts
    from storage.repositories.people_lists import CodeFilter
    from storage.repositories.rows import Page, Sort


async def list_users(services: Services, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[User], int]:
    """Return one page of accounts, and their number; of `wanted` the text counts."""
    return await find_users(services, UserFilter(text=wanted.text), sort, page)


async def find_users(services: Services, wanted: UserFilter, sort: Sort, page: Page) -> tuple[list[User], int]:
    """Return one page of accounts, and their number."""
    return await services.database.read(lambda conn: people_lists.user_page(conn, wanted, sort, page))


async def list_tokens(
    services: Services, actor: User, wanted: Wanted, sort: Sort, page: Page
) -> tuple[list[Token], int]:
    """Return one page of the actor's tokens, and their number; of `wanted` text and status count."""
    status = (wanted.equal or {}).get("status", 0)
    own = TokenFilter(now_s=now_s(), user_id=actor.id, text=wanted.text, status=int(status))
    return await services.database.read(lambda conn: people_lists.token_page(conn, own, sort, page))


async def find_tokens(
    services: Services, actor: User, wanted: TokenFilter, sort: Sort, page: Page
) -> tuple[list[Token], int]:
    """Return one page of tokens, and their number: anybody's for administrators, else only the actor's own."""
    if actor.role < Role.ADMIN:
        wanted = replace(wanted, user_id=actor.id)

    def work(conn: Connection) -> tuple[list[Token], int]:
        spans = token_facts.spans_of(services, conn) if sort.column in USE_OF_TOKENS else None
        return people_lists.token_page(conn, wanted, sort, page, spans)

    return await services.database.read(work)


async def list_codes(services: Services, wanted: CodeFilter, sort: Sort, page: Page) -> tuple[list[Redemption], int]:
    """Return one page of redemption codes, and their number."""
    return await services.database.read(lambda conn: people_lists.code_page(conn, wanted, sort, page))


async def code_facts(services: Services, codes: Sequence[Redemption]) -> dict[int, tuple[CodeFacts, str]]:
    """Return what else is known of some codes, and the name of who redeemed each, by their numbers."""

    def work(conn: Connection) -> dict[int, tuple[CodeFacts, str]]:
        facts = people_facts.facts_of_codes(conn, [code.id for code in codes])
        names = users.names_of(conn, list({fact.used_by for fact in facts.values() if fact.used_by}))
        return {number: (fact, names.get(fact.used_by, "")) for number, fact in facts.items()}

    return await services.database.read(work)


def reaches(actor: User, target: User) -> bool:
    """Whether the actor may act on an account; services refuse the rest, so pages need not offer it."""
    return target.id != actor.id and (actor.role == Role.ROOT or target.role < actor.role)
