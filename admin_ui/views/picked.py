"""Rows that somebody ticked, and the outcome of doing the same to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import _, _n, said
from gateway.accounts.refusals import Refused
from storage.repositories.rows import Page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Protocol

    from quart import Response

    from admin_ui.ui import Ui

    class Row(Protocol):
        """Anything with a number."""

        @property
        def id(self) -> int:
            """The number."""


MOST = 500
_TOLD = 3


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


def as_number(text: str) -> int:
    """Return the id in an address; 0, which nothing has, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


async def each(ui: Ui, ids: Sequence[int], do: Callable[[int], Awaitable[object]], back: str) -> Response:
    """Do something to each row, lead back, and tell how it went, row by row as far as there is room."""
    done, refused = 0, []
    for number in ids:
        try:
            await do(number)
        except Refused as error:
            refused.append(f"{number}: {said(error.message)}")
        else:
            done += 1
    if not ids:
        return ui.go(back, note=_("Nothing was selected."), kind="info")
    if refused:
        told = "; ".join(refused[:_TOLD]) + ("…" if len(refused) > _TOLD else "")
        text = _("{done} done, {failed} failed: {told}", done=done, failed=len(refused), told=told)
        return ui.go(back, note=text, kind="bad")
    return ui.go(back, note=_n("{n} changed.", "{n} changed.", done))


def ask_to_delete(ui: Ui, ids: Sequence[int], *, action: str, title: str, text: str, back: str) -> Response:
    """Show what a bulk delete would do, and a form that does it."""
    return ui.page(
        "pages/confirm.html",
        title=title,
        text=text,
        action=action,
        verb=_("Delete"),
        back=back,
        ids=ids,
        fields={"do": "delete", "sure": "1", "next": back},
    )
