"""Finding anything by name, and doing the commonest things to it.

It is what Ctrl K opens; without script it is a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from quart import request

from admin_ui import nav
from admin_ui.i18n import _
from admin_ui.ui import local_path, ui_paths, with_query
from admin_ui.views.option_sections import SECTIONS
from admin_ui.visit import current_visit
from gateway.accounts import directory as accounts
from gateway.channels import directory as channels
from gateway.management.guard import actor, needs
from storage.records import ChannelStatus, Role
from storage.repositories.channel_lists import WantedChannels
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from storage.records import Channel

_MOST = 6
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found: a page to go to, or, with `fields`, a form to send."""

    title: str
    icon: str
    link: str
    note: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/palette")
    @needs(Role.USER)
    async def palette() -> Response:
        text = request.args.get("q", "").replace("\x00", "").strip()[:_LONGEST]
        back = local_path(request.args.get("from", ""))
        return ui.page("pages/palette.html", text=text, groups=await _search(ui, text, back))


async def _search(ui: Ui, text: str, back: str) -> list[tuple[str, Sequence[Found]]]:
    """Return what fits `text`, in groups; without a text the pages and what can be made new."""
    found: list[tuple[str, Sequence[Found]]] = [(_("Go to"), _fitting(_pages(), text))]
    found.append((_("Actions"), _fitting(_actions(back), text)))
    if text:
        if current_visit().is_admin:
            rows, _total = await channels.list_channels(
                ui.services, WantedChannels(text=_object(text)), Sort(), Page(0, _MOST)
            )
            found.append((_("Channels"), [each for row in rows for each in _channel(row, text, back)][: 2 * _MOST]))
            people, _total = await accounts.list_users(ui.services, Wanted(text=text), Sort(), Page(0, _MOST))
            found.append(
                (_("Users"), [Found(u.username, "person", f"/users/{u.id}", u.display_name or "") for u in people])
            )
        own, _total = await accounts.list_tokens(ui.services, actor(), Wanted(text=text), Sort(), Page(0, _MOST))
        found.append((_("Tokens"), [Found(t.name or f"#{t.id}", "key", f"/tokens/{t.id}") for t in own]))
        found.append((_("Models"), _models(ui, text)))
        if current_visit().is_root:
            found.append((_("Settings"), _fitting(_settings(), text)[:_MOST]))
    return [(title, entries) for title, entries in found if entries]


def _fitting(entries: Sequence[Found], text: str) -> list[Found]:
    words = text.lower().split()
    return [entry for entry in entries if all(word in f"{entry.title} {entry.note}".lower() for word in words)]


def _pages() -> list[Found]:
    visit, known = current_visit(), ui_paths()
    entries = [entry for group in nav.RAIL for entry in group.entries] + list(nav.FOOT)
    found = [
        Found(_(entry.title), entry.icon, entry.path)
        for entry in entries
        if visit.reaches(entry.role) and (entry.path in known or entry.path == "/settings")
    ]
    return [*found, Found(_("Profile"), "person", "/profile")]


def _actions(back: str) -> list[Found]:
    visit = current_visit()
    found = [Found(_("New token"), "plus", "/tokens/new")]
    if visit.is_admin:
        found += [
            Found(_("New channel"), "plus", "/channels/new"),
            Found(_("New user"), "plus", "/users/new"),
            Found(_("New codes"), "plus", "/codes/new"),
            Found(_("Test all channels"), "test", "/channels/test", fields={"next": back}),
            Found(_("Failed requests"), "alert", "/requests?view=failed"),
        ]
    other = "light" if visit.theme == "dark" else "dark"
    title = _("Light theme") if visit.theme == "dark" else _("Dark theme")
    return [*found, Found(title, "eye", "/preferences", fields={"theme": other, "next": back})]


def _object(text: str) -> str:
    """Return what is left of a command such as "disable azure": the name of the channel."""
    verb, _space, rest = text.partition(" ")
    return rest.strip() if rest and verb.lower() in _verbs() else text


def _verbs() -> tuple[str, ...]:
    return tuple(word.lower() for word in ("enable", "disable", "test", _("Enable"), _("Disable"), _("Test")))


def _channel(row: Channel, text: str, back: str) -> list[Found]:
    name = row.name or f"#{row.id}"
    where = f"/channels/{row.id}"
    found = [Found(name, "plug", where, f"#{row.id}")]
    if _object(text) == text:
        return found
    if row.status == ChannelStatus.ENABLED:
        step = Found(_("Disable {name}", name=name), "off", f"{where}/disable", fields={"next": back})
    else:
        step = Found(_("Enable {name}", name=name), "check", f"{where}/enable", fields={"next": back})
    return [step, Found(_("Test {name}", name=name), "test", f"{where}/test"), *found]


def _models(ui: Ui, text: str) -> list[Found]:
    names = {name for channel in ui.services.registry.current.channels.values() for name in channel.models}
    fitting = sorted(name for name in names if text.lower() in name.lower())[:_MOST]
    return [Found(name, "boxes", with_query("/models", q=name)) for name in fitting]


def _settings() -> list[Found]:
    return [
        Found(_(setting.title), "settings", f"/settings/{section.key}#f-{quote(setting.key)}", _(section.title))
        for section in SECTIONS
        for setting in section.settings
    ]
