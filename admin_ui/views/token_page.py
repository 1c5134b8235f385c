"""The page of a token: what it spends, what it was used for, from where; and a new key for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.views.audit import action_word
from admin_ui.views.picked import as_number
from admin_ui.views.token_form import key_page
from gateway.accounts import spending, token_care, token_facts, tokens
from gateway.accounts.refusals import Refused
from gateway.audit import book
from gateway.budgets import edits
from gateway.management.guard import actor, author, needs
from gateway.traffic.log import Look, read_page
from storage.records import Role
from storage.repositories.audit import AuditFilter
from storage.repositories.budgets import TOKEN
from storage.repositories.log_asked import Asked
from storage.repositories.rows import Page

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.audit.book import Entry
    from storage.records import Token

RECENT = 10
_OVERLAPS = (0, 1, 6, 24, 72, 168)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/tokens/<number>")
    @needs(Role.USER)
    async def token_page(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number), others=True)
        asked = Asked(user_id=token.user_id, token_name=token.name)
        log = await read_page(ui.services, actor(), Look(asked=asked), size=RECENT)
        return ui.page(
            "pages/token.html",
            token=token,
            use=(await token_facts.use_of(ui.services, [token]))[token.id],
            days=await spending.days_of_token(ui.services, token),
            clients=await token_facts.clients_of(ui.services, token),
            former=await token_care.former_keys(ui.services, actor(), token.id),
            entries=log.entries,
            trail=await _trail(ui, token),
            action_word=action_word,
            prefix=ui.services.settings.token_key_prefix,
            is_mine=token.user_id == actor().id,
            budgets=await edits.standings(ui.services, actor(), scopes=[(TOKEN, str(token.id))]),
            now=time.time(),
        )

    def asked_how(token: Token, form: Form, status: int = 200) -> Response:
        return ui.page("pages/token_renew.html", status, token=token, form=form, overlaps=_OVERLAPS)

    @area.get("/tokens/<number>/renew")
    @needs(Role.USER)
    async def ask_renew_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        return asked_how(token, Form(values={"hours": "24"}))

    @area.post("/tokens/<number>/renew")
    @needs(Role.USER)
    async def renew_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        form = await read_form()
        hours = form.integer("hours", least=0, most=token_care.LONGEST_OVERLAP_H)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(f"/tokens/{token.id}", note=_("The key was renewed already."), kind="info")
        if form.is_sound:
            try:
                renewed = await token_care.renew_key(ui.services, author(), token.id, overlap_h=hours)
            except Refused as error:
                form.refuse(error, {"hours": "hours"})
            else:
                return key_page(ui, renewed, how="renewed")
        return asked_how(token, form, 422)


async def _trail(ui: Ui, token: Token) -> list[Entry]:
    """Return what was last changed about a token, which administrators alone are told."""
    if actor().role < Role.ADMIN:
        return []
    entries, _total = await book.read_page(
        ui.services, AuditFilter(kind="token", object_id=token.id), Page(0, RECENT)
    )
    return entries
