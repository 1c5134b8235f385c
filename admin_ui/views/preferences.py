"""How people like their pages.

Language, theme and density are chosen by anybody and kept in cookies; for whoever is signed in also with their
account, as are columns and views of lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from quart import Response, request

from admin_ui.arrangement import wishes_of
from admin_ui.i18n import _
from admin_ui.looks import valid_looks, write_looks
from admin_ui.ui import local_path
from admin_ui.visit import current_visit
from gateway.accounts import preferences
from gateway.accounts.refusals import Refused
from gateway.management.guard import actor, anybody, needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _looks(area, ui)
    _columns(area, ui)
    _views(area, ui)


def _looks(area: Blueprint, ui: Ui) -> None:
    @area.post("/preferences")
    @anybody()
    async def choose() -> Response:
        chosen = valid_looks(await request.form)
        user = current_visit().user
        if user is not None:
            await preferences.choose_looks(ui.services, user.id, chosen)
        response = ui.go(local_path((await request.form).get("next", "")))
        write_looks(ui.services, response, chosen)
        return response


def _columns(area: Blueprint, ui: Ui) -> None:
    @area.post("/preferences/columns")
    @needs(Role.USER)
    async def choose_columns() -> Response:
        sent = await request.form
        marked = sent.get("known", "").split()
        usual = frozenset(name[1:] for name in marked if name.startswith("+"))
        known = frozenset(name.removeprefix("+") for name in marked)
        chosen = usual if sent.get("reset") else frozenset(sent.getlist("column"))
        back = local_path(sent.get("next", ""))
        try:
            await preferences.choose_columns(
                ui.services, actor().id, sent.get("list", ""), chosen=chosen, usual=usual, known=known
            )
        except Refused as error:
            return ui.refused(back, error)
        return ui.go(back)


def _views(area: Blueprint, ui: Ui) -> None:
    @area.post("/preferences/views")
    @needs(Role.USER)
    async def save_view() -> Response:
        sent = await request.form
        here = local_path(sent.get("here", ""))
        title = sent.get("title", "")
        try:
            await preferences.save_view(
                ui.services, actor().id, sent.get("list", ""), title=title, query=urlencode(wishes_of(here))
            )
        except Refused as error:
            return ui.refused(here, error)
        return ui.go(here, note=_("The view {name} was saved.", name=title.strip()))

    @area.post("/preferences/views/drop")
    @needs(Role.USER)
    async def drop_view() -> Response:
        sent = await request.form
        name, title = sent.get("list", ""), sent.get("title", "")
        back = local_path(sent.get("next", ""))
        try:
            await preferences.drop_view(ui.services, actor().id, name, title=title)
        except Refused as error:
            return ui.refused(back, error)
        return ui.go(urlsplit(back).path, note=_("The view {name} was removed.", name=title))
