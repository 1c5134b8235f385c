"""What is done to several tokens at once."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n
from admin_ui.ui import local_path
from admin_ui.views.picked import ask_to_delete, each, meant_ids
from admin_ui.views.tokens import SPANS, token_query, wanted_tokens
from gateway.accounts import directory, tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.tokens import NEVER, TokenEdit
from gateway.management.guard import actor, author, needs
from storage.records import Role, TokenStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from storage.records import Token
    from storage.repositories.rows import Page

_LIST = "/tokens"
_DAY_S = 86_400
_STATES = {"enable": TokenStatus.ENABLED, "disable": TokenStatus.DISABLED}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/tokens/bulk")
    @needs(Role.USER)
    async def bulk_tokens() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        query = token_query(back)

        async def read(page: Page) -> tuple[list[Token], int]:
            return await directory.list_tokens(ui.services, actor(), wanted_tokens(query), query.order, page)

        try:
            ids = await meant_ids(read)
        except Refused as error:
            return ui.refused(back, error)
        if form.values.get("do") == "delete" and ids and not form.flag("sure"):
            return ask_to_delete(
                ui,
                ids,
                action="/tokens/bulk",
                title=_n("Delete {n} token?", "Delete {n} tokens?", len(ids)),
                text=_("Programs that use them are refused from now on."),
                back=back,
            )
        step = _step(ui, form)
        if step is None:
            fault = next(iter(form.errors.values()), _("Please say what to change, and to what."))
            return ui.go(back, note=fault, kind="bad")
        return await each(ui, ids, step, back)


def _step(ui: Ui, form: Form) -> Callable[[int], Awaitable[object]] | None:
    """Return what is done to one token, `None` where that was not said."""
    do = form.values.get("do", "")
    if do == "delete":
        return partial(tokens.delete_token, ui.services, author())
    if do in _STATES:
        edit = TokenEdit(status=_STATES[do])
        return lambda number: tokens.update_token(ui.services, author(), number, edit, status_only=True)
    what = form.values.get("what", "")
    if what == "never" or what in SPANS:
        until = NEVER if what == "never" else int(time.time()) + SPANS[what] * _DAY_S
        return lambda number: _edit(ui, number, lambda token: TokenEdit(name=token.name, expired_time=until))
    if what == "models":
        names = ",".join(form.names("value"))
        return lambda number: _edit(ui, number, lambda token: TokenEdit(name=token.name, models=names))
    if what == "quota":
        units = form.units("value", ui.options)
        if form.is_sound and units:
            return lambda number: _edit(ui, number, lambda token: _with_more(token, units))
    return None


async def _edit(ui: Ui, number: int, edit: Callable[[Token], TokenEdit]) -> None:
    token = await tokens.read_token(ui.services, actor(), number)
    await tokens.update_token(ui.services, author(), number, edit(token))


def _with_more(token: Token, units: int) -> TokenEdit:
    if token.unlimited_quota:
        raise Refused("the token has no limit")
    return TokenEdit(name=token.name, remain_quota=token.remain_quota + units)
