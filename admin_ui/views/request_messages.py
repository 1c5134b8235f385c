"""What was recorded of a request: a part of its page for who said it, a page of its own for others, deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

from admin_ui.i18n import _, told
from gateway.accounts.refusals import NotFound, Refused
from gateway.management.guard import actor, author, needs
from gateway.recordings import access
from gateway.recordings.reading import read_talk
from gateway.traffic.request import read_request
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.recordings.access import Recorded, Standing
    from gateway.recordings.reading import Talk

EARLIER: Final = 12
"""Of longer conversations all but the last so many turns are folded away."""
LONG: Final = 1_200
"""Characters of a part that are shown at once."""
RAW: Final = 60_000
"""Characters of the raw texts that a page shows; the API gives all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """What a page shows of a recording; `talk` is missing where the reader did not ask for what was said."""

    standing: Standing
    recorded: Recorded | None = None
    talk: Talk | None = None
    fault: str = ""
    """Why it cannot be shown."""


async def own_messages(ui: Ui, request_id: str) -> Messages | None:
    """Return what was recorded of a request; of somebody else's only that it was. `None` where there is nothing."""
    standing = await access.standing(ui.services, actor(), request_id) if request_id else None
    if standing is None:
        return None
    return await _read(ui, standing) if standing.is_own else Messages(standing=standing)


async def _read(ui: Ui, standing: Standing) -> Messages:
    try:
        recorded = await access.read_messages(ui.services, author(), standing.kept.request_id)
    except Refused as error:
        return Messages(standing=standing, fault=told(error.message))
    # Texts of half a megabyte are read and indented; others are served meanwhile.
    talk = await trio.to_thread.run_sync(read_talk, recorded)
    return Messages(standing=standing, recorded=recorded, talk=talk)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    async def request_id_of(key: str) -> str:
        return (await read_request(ui.services, actor(), key)).entry.request_id

    # Looking at somebody else's is written down, so no page of another site shall make a browser do it.
    @area.get("/requests/<key>/messages")
    @needs(Role.USER, changes=True)
    async def request_messages(key: str) -> Response:
        request_id = await request_id_of(key)
        standing = await access.standing(ui.services, actor(), request_id)
        if standing is None or not standing.may_read:
            raise NotFound("there are no recorded messages of this request", status=404)
        return ui.page(
            "pages/request_messages.html",
            key=key,
            request_id=request_id,
            messages=await _read(ui, standing),
            earlier=EARLIER,
            long=LONG,
            raw=RAW,
        )

    @area.post("/requests/<key>/messages/delete")
    @needs(Role.USER)
    async def delete_request_messages(key: str) -> Response:
        await access.delete_messages(ui.services, author(), await request_id_of(key))
        return ui.go(f"/requests/{key}", note=_("The recording was deleted."))
