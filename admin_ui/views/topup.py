"""One's balance: redeem a code, buy more, invite others."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.views.profile import invitation_link
from admin_ui.visit import current_visit
from gateway.accounts import redemptions, self_service, spending, user_care
from gateway.accounts.refusals import Refused
from gateway.management.guard import actor, needs
from gateway.traffic.log import Look, read_page
from storage.records import LogType, Role
from storage.repositories.log_asked import Asked

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_RECENT = 20


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    async def shown(form: Form, status: int = 200) -> Response:
        person = actor()
        wanted = Look(asked=Asked(type=LogType.TOP_UP, user_id=person.id))
        days = await spending.days_of_user(ui.services, person.id, current_visit().zone)
        log = await read_page(ui.services, person, wanted, size=_RECENT)
        return ui.page(
            "pages/topup.html",
            status,
            form=form,
            person=person,
            entries=log.entries,
            link=_payment_link(ui),
            invitation=invitation_link(ui),
            invited=await user_care.invitations_of(ui.services, person),
            days=days,
            lasts_s=spending.lasts_of(person, days),
            now=time.time(),
        )

    @area.get("/topup")
    @needs(Role.USER)
    async def top_up_self() -> Response:
        return await shown(Form())

    @area.post("/topup")
    @needs(Role.USER, critical=True)
    async def redeem() -> Response:
        form = await read_form()
        key = form.text("key", required=True, most=64)
        if form.is_sound:
            try:
                units = await redemptions.redeem(ui.services, actor(), key)
            except Refused as error:
                form.refuse(error, {"": "key"})
            else:
                return ui.go("/topup", note=_("{amount} was added to your balance.", amount=ui.money(units)))
        return await shown(form, 422)

    @area.post("/topup/invitation")
    @needs(Role.USER)
    async def make_invitation() -> Response:
        await self_service.invitation_code(ui.services, actor())
        return ui.go("/topup")


def _payment_link(ui: Ui) -> str:
    """Return where quota is bought, told who buys; empty where the operator named no such place."""
    parts = urlsplit(ui.options.text("TopUpLink").strip())
    if parts.scheme not in ("http", "https"):
        return ""
    person = actor()
    told = urlencode({"username": person.username, "user_id": person.id, "transaction_id": uuid.uuid4().hex})
    return urlunsplit(parts._replace(query=f"{parts.query}&{told}" if parts.query else told))
