"""Who changes something."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from storage.records import Role

if TYPE_CHECKING:
    from storage.records import User

Via = Literal["page", "api", "program", "command"]


class Acting(Protocol):
    """What decides whether somebody may do a thing: an account, or the author of a change."""

    @property
    def id(self) -> int:
        """The account's number."""

    @property
    def role(self) -> int:
        """As in `storage.records.Role`."""


@dataclass(frozen=True, slots=True)
class Together:
    """Something that is done to several things at once: what names it, and the action that it is written down as."""

    batch: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An account and where it acts from; it decides what is allowed, and is written down with what was done."""

    id: int
    username: str
    role: int
    address: str = ""
    via: Via = "api"
    together: Together | None = None
    """Set while several things are changed at once: what is done to each is a part of one entry."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """From where somebody acts whom a link or code, not a session, identifies."""

    address: str = ""
    via: Via = "api"


PROGRAM = Author(id=0, username="", role=Role.ROOT, via="program")
"""The program itself: a channel that failed is switched off without anybody asking."""


def author_of(user: User, *, address: str = "", via: Via = "api") -> Author:
    """Return an account as the author of what it does."""
    return Author(id=user.id, username=user.username, role=user.role, address=address, via=via)


def at_once(author: Author, action: str, count: int) -> Author:
    """Return who does `action` (`kind.verb`) to `count` things: one entry of the audit, if they are several.

    The entry is made with the first change, in its transaction, so nothing is written where nothing was changed.
    """
    if count < 2 or author.together is not None:
        return author
    return replace(author, together=Together(secrets.token_hex(16), action))
