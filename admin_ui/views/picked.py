"""Rows that somebody ticked, and numbers in addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request
from werkzeug.exceptions import NotFound

from admin_ui.lists import ticking
from gateway.accounts.refusals import Refused
from storage.repositories.rows import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Protocol

    class Row(Protocol):
        """Anything with a number."""

        @property
        def id(self) -> int:
            """The number."""


MOST = 500


async def picked_ids() -> list[int]:
    """Return the ids that were ticked, at most `MOST`."""
    form = await request.form
    # An undo carries them in one field.
    sent = [*form.getlist("id"), *form.get("ids", "").split(",")]
    return [int(text) for text in sent[:MOST] if text.isascii() and text.isdigit() and len(text) <= 18]


async def meant_ids(read: Callable[[Page], Awaitable[tuple[Sequence[Row], int]]]) -> list[int]:
    """Return the ids that were ticked, or of all that `read` finds where that was ticked.

    Raises `Refused` where these are more than `MOST`.
    """
    if not (await request.form).get("all"):
        return await picked_ids()
    rows, total = await read(Page(0, MOST))
    if total > MOST:
        raise Refused(f"at most {MOST} rows at once")
    return [row.id for row in rows]


async def ticking_again(address: str) -> str:
    """Return the address of a list that has those rows ticked that were when the form at hand was sent."""
    return ticking(address, await picked_ids(), everything=bool((await request.form).get("all")))


def as_number(text: str) -> int:
    """Return the id in an address; 0, which nothing has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def id_in_address(text: str) -> int:
    """Return the id in an address. Raises the error that is answered with the page of status 404 for what is none."""
    number = as_number(text)
    if not number:
        raise NotFound
    return number
