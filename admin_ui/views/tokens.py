"""API tokens: the list, one's own and, for administrators, other people's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request
from werkzeug.exceptions import NotFound

from admin_ui.arrangement import Column, arrange
from admin_ui.exports import file_response, instant
from admin_ui.i18n import _
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts import directory, token_care, token_facts, tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.tokens import TokenEdit
from gateway.management.guard import actor, author, needs
from gateway.traffic.names import find_user
from storage.records import Role, TokenStatus
from storage.repositories.list_figures import OF_TOKENS
from storage.repositories.people_lists import TokenFilter
from storage.repositories.tokens import SORTABLE

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.arrangement import Arrangement
    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.records import Token
    from storage.repositories.rows import Page

_LIST = "/tokens"
EVERYBODY = "*"
_SOON_S = 7 * 86_400
_NOBODY = -1
_COLUMNS = (
    "id", "owner_id", "name", "state", "remaining_units", "used_units", "models", "addresses", "created", "last_used",
    "expires",
)  # fmt: skip


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _steps(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.USER)
    async def list_tokens() -> Response:
        query = token_query()
        wanted = await wanted_tokens(ui, query)
        rows, total = await directory.find_tokens(ui.services, actor(), wanted, query.order, query.rows)
        return ui.page(
            "pages/tokens.html",
            query=query,
            arranged=await _arranged(ui, query),
            rows=rows,
            total=total,
            use=await token_facts.use_of(ui.services, rows),
            prefix=ui.services.settings.token_key_prefix,
            models=ui.services.registry.current.models_of(actor().group),
            now=time.time(),
            has_others=any(row.user_id != actor().id for row in rows),
        )

    @area.get("/tokens/export.<kind>")
    @needs(Role.USER)
    async def export_tokens(kind: str) -> Response:
        person, query = actor(), token_query()
        wanted = await wanted_tokens(ui, query)

        async def read(page: Page) -> tuple[list[Token], int]:
            return await directory.find_tokens(ui.services, person, wanted, query.order, page)

        return file_response("tokens", kind, _COLUMNS, read, _cells)


async def _arranged(ui: Ui, query: ListQuery) -> Arrangement:
    views: list[tuple[str, dict[str, object]]] = [
        (_("All"), {}),
        (_("Expiring soon"), {"expiring": "7d"}),
        (_("Used up"), {"status": 4}),
        (_("Never used"), {"used": "never"}),
    ]
    if current_visit().is_admin:
        views.append((_("Everybody's"), {"user": EVERYBODY}))
    return await arrange(
        ui,
        "tokens",
        query,
        path=_LIST,
        columns=[
            Column("key", _("Key")),
            Column("used", _("Used")),
            Column("lasts", _("Runs out")),
            Column("requests", _("Requests 24 h")),
            Column("models", _("Models")),
            Column("addresses", _("Addresses"), usual=False),
            Column("last_used", _("Last used")),
            Column("expires", _("Expires")),
            Column("created", _("Created"), usual=False),
        ],
        views=views,
    )


def token_query(address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of tokens."""
    filters = {"status": ("1", "2", "3", "4"), "model": None, "expiring": ("7d",), "used": ("never",)}
    if current_visit().is_admin:
        filters["user"] = None
    words = {"status": {"enabled": "1", "disabled": "2", "expired": "3", "exhausted": "4"}}
    return read_query(columns=(*SORTABLE, *OF_TOKENS), filters=filters, choices=words, address=address)


async def wanted_tokens(ui: Ui, query: ListQuery) -> TokenFilter:
    """Return which rows that is; one's own unless an administrator asks for others'."""
    now, wishes = int(time.time()), query.filters
    owner, whose = actor().id, wishes.get("user", "")
    if whose == EVERYBODY:
        owner = 0
    elif whose:
        owner = await find_user(ui.services, whose) or _NOBODY
    return TokenFilter(
        now_s=now,
        user_id=owner,
        text=query.q,
        status=int(wishes["status"] or 0),
        model=wishes["model"],
        expires_before=now + _SOON_S if wishes["expiring"] else 0,
        is_unused=bool(wishes["used"]),
    )


def _cells(token: Token) -> list[object]:
    """Return what an export says of a token: everything but its key."""
    return [
        token.id,
        token.user_id,
        token.name,
        TokenStatus(token.status).name.lower() if token.status in set(TokenStatus) else token.status,
        "" if token.unlimited_quota else token.remain_quota,
        token.used_quota,
        token.models,
        token.subnet,
        instant(token.created_time),
        instant(token.accessed_time),
        instant(token.expired_time),
    ]


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.post("/tokens/<number>/<step>")
    @needs(Role.USER)
    async def step_token(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        if step == "restore":
            try:
                found = await token_care.take_back(ui.services, author(), as_number(number))
            except Refused as error:
                return ui.refused(back, error)
            return ui.go(back, note=_("Token {name} is back.", name=found.name))
        token = await tokens.read_token(ui.services, actor(), as_number(number), others=True)
        if step == "delete":
            return await _throw_away(ui, token, back)
        if step == "end-keys":
            await token_care.end_former_keys(ui.services, author(), token.id)
            return ui.go(back, note=_("Former keys of {name} no longer work.", name=token.name))
        if step not in ("enable", "disable"):
            raise NotFound
        on = step == "enable"
        edit = TokenEdit(status=TokenStatus.ENABLED if on else TokenStatus.DISABLED)
        try:
            await tokens.update_token(ui.services, author(), token.id, edit, status_only=True, others=True)
        except Refused as error:
            return ui.refused(back, error)
        text = _("{name} is enabled.", name=token.name) if on else _("{name} is disabled.", name=token.name)
        undo = Undo(f"/tokens/{token.id}/{'disable' if on else 'enable'}", {"next": back})
        return ui.go(back, note=text, undo=undo)


async def _throw_away(ui: Ui, token: Token, back: str) -> Response:
    await token_care.throw_away(ui.services, author(), token.id)
    # Its own page is gone with it.
    target = _LIST if back.partition("?")[0] == f"{_LIST}/{token.id}" else back
    text = _("Token {name} was deleted. Programs that use it are refused from now on.", name=token.name)
    return ui.go(target, note=text, undo=Undo(f"/tokens/{token.id}/restore", {"next": target}))
