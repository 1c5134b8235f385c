"""Who changes something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from storage.records import Role

if TYPE_CHECKING:
    from storage.records import User

Via = Literal["page", "api", "program"]


class Acting(Protocol):
    """What decides whether somebody may do a thing: an account, or the author of a change."""

    @property
    def id(self) -> int:
        """The account's number."""

    @property
    def role(self) -> int:
        """As in `storage.records.Role`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An account and where it acts from; it decides what is allowed, and is written down with what was done."""

    id: int
    username: str
    role: int
    address: str = ""
    via: Via = "api"


PROGRAM = Author(id=0, username="", role=Role.ROOT, via="program")
"""The program itself: a channel that failed is switched off without anybody asking."""


def author_of(user: User, *, address: str = "", via: Via = "api") -> Author:
    """Return an account as the author of what it does."""
    return Author(id=user.id, username=user.username, role=user.role, address=address, via=via)
