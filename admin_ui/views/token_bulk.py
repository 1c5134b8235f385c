"""What is done to several tokens at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from admin_ui.i18n import _, _n
from admin_ui.shown import moment
from admin_ui.views import several
from admin_ui.views.several import Deed, Preview, Question, Several
from admin_ui.views.token_form import DAY_S, SPANS
from admin_ui.views.tokens import token_query, wanted_tokens
from admin_ui.visit import current_visit
from gateway.accounts import directory, token_care, tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.tokens import NEVER, TokenEdit
from gateway.management.guard import actor, needs
from storage.records import Role, TokenStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Blueprint, Response

    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.audit.author import Author
    from storage.records import Token
    from storage.repositories.rows import Page

    Change = Callable[[Token], TokenEdit]

_STATES = {"enable": TokenStatus.ENABLED, "disable": TokenStatus.DISABLED}
_OTHER = {"enable": "disable", "disable": "enable"}
_LONGER = {"+7d": 7, "+30d": 30, "+90d": 90, "+1y": 365}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/tokens/bulk")
    @needs(Role.USER)
    async def bulk_tokens() -> Response:
        return await _several(ui).answer(ui)

    @area.get("/tokens/bulk/<job>")
    @needs(Role.USER)
    async def token_job(job: str) -> Response:
        return await several.show_job(ui, job, _several(ui).place)


def _several(ui: Ui) -> Several[Token]:
    async def find(address: str, page: Page) -> tuple[list[Token], int]:
        query = token_query(address)
        return await directory.find_tokens(ui.services, actor(), await wanted_tokens(ui, query), query.order, page)

    async def read(number: int) -> Token:
        return await tokens.read_token(ui.services, actor(), number, others=True)

    def deed(form: Form, count: int) -> Deed[Token] | None:
        do = form.values.get("do", "")
        if do in _STATES:
            return _switch(ui, do)
        if do == "delete":
            return _delete(ui, count)
        if do == "restore":
            return Deed(action="token.restore", do=lambda who, id_: token_care.take_back(ui.services, who, id_))
        return _change(ui, form, count)

    return Several(path="/tokens", title=_("Tokens"), find=find, read=read, deed=deed)


def _switch(ui: Ui, do: str) -> Deed[Token]:
    edit = TokenEdit(status=_STATES[do])

    async def step(who: Author, number: int) -> bool:
        token = await tokens.read_token(ui.services, who, number, others=True)
        if token.status == edit.status:
            return False
        await tokens.update_token(ui.services, who, number, edit, status_only=True, others=True)
        return True

    return Deed(action=f"token.{do}", do=step, undo=_OTHER[do])


def _delete(ui: Ui, count: int) -> Deed[Token]:
    return Deed(
        action="token.delete",
        do=lambda who, number: token_care.throw_away(ui.services, who, number),
        undo="restore",
        question=Question(
            title=_n("Delete {n} token?", "Delete {n} tokens?", count),
            text=_("Programs that use them are refused from now on. Balances are not touched."),
            verb=_("Delete"),
            preview=lambda row: Preview(name=_named(row), before=_left(ui, row)),
            danger=True,
        ),
    )


def _change(ui: Ui, form: Form, count: int) -> Deed[Token] | None:
    change = _wish(ui, form)
    if change is None:
        return None

    async def step(who: Author, number: int) -> None:
        token = await tokens.read_token(ui.services, who, number, others=True)
        await tokens.update_token(ui.services, who, number, change(token), others=True)

    question: Question[Token] = Question(
        title=_n("Change {n} token?", "Change {n} tokens?", count),
        verb=_("Change"),
        preview=lambda row: _preview(ui, row, change),
    )
    return Deed(action="token.update", do=step, question=question)


def _wish(ui: Ui, form: Form) -> Change | None:
    """Return what would be written to a token, `None` where that was not said."""
    what, now = form.values.get("what", ""), int(time.time())
    if what == "never" or what in SPANS:
        until = NEVER if what == "never" else now + SPANS[what] * DAY_S
        return lambda token: TokenEdit(name=token.name, expired_time=until)
    if what in _LONGER:
        seconds = _LONGER[what] * DAY_S
        return lambda token: _longer(token, seconds, now)
    if what == "models":
        names = ",".join(form.names("value"))
        return lambda token: TokenEdit(name=token.name, models=names)
    if what == "quota":
        units = form.units("value", ui.options)
        if form.is_sound and units:
            return lambda token: _with_more(token, units)
    return None


def _longer(token: Token, seconds: int, now: int) -> TokenEdit:
    if token.expired_time == NEVER:
        raise Refused("the token never expires")
    return TokenEdit(name=token.name, expired_time=max(token.expired_time, now) + seconds)


def _with_more(token: Token, units: int) -> TokenEdit:
    if token.unlimited_quota:
        raise Refused("the token has no limit")
    return TokenEdit(name=token.name, quota_change=units)


def _preview(ui: Ui, token: Token, change: Change) -> Preview:
    name = _named(token)
    try:
        edit = change(token)
    except Refused as error:
        return Preview(name=name, fault=error.message)
    if edit.expired_time is not None:
        return Preview(name=name, before=_until(token.expired_time), after=_until(edit.expired_time))
    if edit.models is not None:
        return Preview(name=name, before=token.models or _("all"), after=edit.models or _("all"))
    return Preview(name=name, before=_left(ui, token), after=ui.money(token.remain_quota + edit.quota_change))


def _named(token: Token) -> str:
    return token.name or f"#{token.id}"


def _left(ui: Ui, token: Token) -> str:
    return _("no limit") if token.unlimited_quota else ui.money(token.remain_quota)


def _until(seconds: int) -> str:
    return _("never") if seconds <= 0 else moment(seconds, current_visit().zone)
