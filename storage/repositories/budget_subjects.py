"""What people call those that budgets are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from storage.repositories.budgets import TOKEN, USER
from storage.tables import tokens, users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from storage.repositories.budgets import Budget, Scope


@dataclass(frozen=True, slots=True)
class Subject:
    """A user, a token or a group. The owner is the user, or the token's; 0 for a group."""

    name: str
    owner_id: int = 0
    owner: str = ""
    role: int = 0
    """The owner's."""

    @property
    def text(self) -> str:
        """Return the name, of a token with its owner's."""
        return f"{self.name} ({self.owner})" if self.owner and self.owner != self.name else self.name


def subjects_of(conn: Connection, budgets: Iterable[Budget]) -> dict[Scope, Subject]:
    """Return whose budgets these are; what is gone is called by its number."""
    wanted_of = list(budgets)
    found = {one.scope: Subject(one.subject) for one in wanted_of}
    people = {one.number for one in wanted_of if one.kind == USER}
    keys = {one.number for one in wanted_of if one.kind == TOKEN}
    if people:
        rows = conn.execute(select(users.c.id, users.c.username, users.c.role).where(users.c.id.in_(people)))
        for number, name, role in rows:
            found[USER, str(number)] = Subject(name or "", number, name or "", role or 0)
    if keys:
        wanted = (
            select(tokens.c.id, tokens.c.name, users.c.id, users.c.username, users.c.role)
            .select_from(tokens.join(users, users.c.id == tokens.c.user_id))
            .where(tokens.c.id.in_(keys))
        )
        for number, name, owner_id, owner, role in conn.execute(wanted):
            found[TOKEN, str(number)] = Subject(name or "", owner_id, owner or "", role or 0)
    return found
