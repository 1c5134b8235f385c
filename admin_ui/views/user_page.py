"""The page of an account: what there is to know of a person, spent, used and changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from admin_ui.i18n import _
from admin_ui.views.audit import action_word
from admin_ui.views.picked import id_in_address
from admin_ui.visit import current_visit
from gateway.accounts import directory, spending, token_facts, user_care
from gateway.accounts import users as people
from gateway.audit import book
from gateway.budgets import edits
from gateway.management.guard import actor, needs
from gateway.traffic.log import Look, read_page
from storage.records import Role
from storage.repositories.audit import AuditFilter
from storage.repositories.budgets import USER
from storage.repositories.log_asked import Asked
from storage.repositories.people_lists import TokenFilter
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_RECENT = 10


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/users/<number>")
    @needs(Role.ADMIN)
    async def user_page(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        now = int(time.time())
        tokens, token_count = await directory.find_tokens(
            ui.services,
            actor(),
            TokenFilter(now_s=now, user_id=user.id),
            Sort("used_quota"),
            Page(0, _RECENT),
        )
        log = await read_page(ui.services, actor(), Look(asked=Asked(user_id=user.id)), size=_RECENT)
        trail, _total = await book.read_page(
            ui.services, AuditFilter(kind="user", object_id=user.id), Page(0, _RECENT)
        )
        days = await spending.days_of_user(ui.services, user.id, current_visit().zone)
        return ui.page(
            "pages/user.html",
            user=user,
            row=(await user_care.rows_of(ui.services, [user]))[user.id],
            invited=await user_care.invitations_of(ui.services, user),
            codes_left=await user_care.recovery_codes_left(ui.services, user) if user.totp_secret else 0,
            tokens=tokens,
            token_count=token_count,
            use=await token_facts.use_of(ui.services, tokens),
            entries=log.entries,
            days=days,
            lasts_s=spending.lasts_of(user, days),
            trail=trail,
            action_word=action_word,
            is_within_reach=directory.reaches(actor(), user),
            budgets=await edits.standings(ui.services, actor(), scopes=[(USER, str(user.id))]),
            may_set_budget=edits.may_set(actor(), USER, user.id, user.role),
            sends_mail=bool(ui.options.text("SMTPServer")),
            now=now,
            nobody=_("nobody"),
        )
