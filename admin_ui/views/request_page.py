"""One request in detail: a page of its own, which opens beside the log as well."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adapters.formats.neutral.terms import FORMAT_TITLES
from admin_ui.format_words import endpoint_words
from admin_ui.log_query import TYPES, read_log_query, read_look
from admin_ui.ui import with_query
from admin_ui.views.request_messages import EARLIER, LONG, RAW, own_messages
from admin_ui.views.requests import outcome_word
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word, waterfall
from gateway.management.guard import actor, needs
from gateway.traffic import log
from gateway.traffic.bill import bill_lines
from gateway.traffic.curl import as_curl
from gateway.traffic.request import read_request
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.traffic.request import RequestPage


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/requests/<key>")
    @needs(Role.USER)
    async def one_request(key: str) -> Response:
        page = await read_request(ui.services, actor(), key)
        query = read_log_query()
        read = await read_look(ui, query)
        newer, older = await log.neighbours(ui.services, actor(), read.look, page.entry)
        entry, detail = page.entry, page.detail
        return ui.page(
            "pages/request.html",
            page=page,
            entry=entry,
            detail=detail,
            query=query,
            newer=query.link(f"/requests/{newer}") if newer else "",
            older=query.link(f"/requests/{older}") if older else "",
            picture=waterfall(page, ui.money),
            lines=bill_lines(entry, page.bill) if page.bill is not None else [],
            curl=as_curl(page, ui.address),
            playground=_playground(page),
            routing=_routing(page),
            params=_params(page),
            messages=await own_messages(ui, entry.request_id),
            earlier=EARLIER,
            long=LONG,
            raw=RAW,
            words=outcome_word,
            failure_word=failure_word,
            types=TYPES,
            endpoint_titles=endpoint_words(),
            format_titles=FORMAT_TITLES,
        )


def _playground(page: RequestPage) -> str:
    """Return where the same model can be asked in the same format, empty where it cannot."""
    entry = page.entry
    if not entry.is_request or not (entry.format or not entry.endpoint):
        return ""
    if entry.request_id:
        # Whether it was streamed and over which channel it went is looked up there.
        return with_query("/playground", request=entry.request_id)
    return with_query("/playground", model=entry.asked_model or entry.model, format=entry.format)


def _routing(page: RequestPage) -> str:
    """Return where the choice is explained, without the channels that had failed the request by its end."""
    entry, detail = page.entry, page.detail
    if not current_visit().is_admin or not entry.is_request:
        return ""
    address = with_query(
        "/routing",
        group=entry.group or (detail.group if detail is not None else ""),
        model=entry.asked_model or entry.model,
        endpoint=entry.endpoint,
        request=entry.request_id,
    )
    tries = detail.tries[:-1] if detail is not None else []
    return address + "".join(f"&off={tried.channel_id}" for tried in tries if tried.kind)


def _params(page: RequestPage) -> list[tuple[str, str]]:
    """Return what the client asked for beside its conversation, as it wrote it."""
    params = page.detail.params if page.detail is not None else {}
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(params.items())
    ]
