"""Alerts among the settings: whom to tell of what, over which service, how often at most; each can be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.lists import in_order, read_query
from admin_ui.views.option_sections import SECTIONS
from gateway.accounts.refusals import Refused
from gateway.management.guard import author, needs
from gateway.notify import rule_edits
from gateway.notify.carriers import KINDS
from gateway.notify.rules import GROUPS
from storage.records import Role
from storage.repositories.alerts import Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_LIST = "/settings/alerts"
_FIELDS = {"name": "name", "where to send": "target", "chat": "chat", "kind of event": "events", "quiet": "quiet"}

_SORTS: Mapping[str, Callable[[Alert], int | str | None]] = {
    "name": lambda alert: alert.name.lower(),
    # What works, what does not, what is off.
    "state": lambda alert: 2 if not alert.enabled else int(bool(alert.fault)),
    "kind": lambda alert: alert.kind,
    "quiet": lambda alert: alert.quiet_s,
    "sent": lambda alert: alert.sent_at or None,
}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    def shown(form: Form, alert: Alert | None, status: int = 200) -> Response:
        return ui.page(
            "pages/settings_alert.html",
            status,
            sections=SECTIONS,
            form=form,
            alert=alert,
            kinds=[(kind, kind_word(kind)) for kind in KINDS],
            events=[(group, event_word(group)) for group in GROUPS],
        )

    @area.get(_LIST)
    @needs(Role.ROOT)
    async def alert_list() -> Response:
        query = read_query(columns=tuple(_SORTS))
        alerts = await rule_edits.list_alerts(ui.services)
        if value := _SORTS.get(query.sort):
            alerts = in_order(alerts, value, ascending=query.ascending)
        return ui.page(
            "pages/settings_alerts.html",
            sections=SECTIONS,
            query=query,
            alerts=alerts,
            kind_word=kind_word,
            event_word=event_word,
        )

    @area.get("/settings/alerts/new")
    @needs(Role.ROOT)
    async def new_alert() -> Response:
        values = {"kind": "webhook", "quiet": "60", "enabled": "true"}
        return shown(Form(values=values, many={"events": ["channels", "errors"]}), None)

    @area.post("/settings/alerts/new")
    @needs(Role.ROOT)
    async def create_alert() -> Response:
        return await save(None)

    @area.get("/settings/alerts/<int:number>")
    @needs(Role.ROOT)
    async def one_alert(number: int) -> Response:
        alert = await rule_edits.read_alert(ui.services, number)
        values = {
            "name": alert.name,
            "kind": alert.kind,
            "target": alert.target if alert.kind == "mail" else "",
            "chat": alert.chat,
            "quiet": str(alert.quiet_s // 60),
            "enabled": "true" if alert.enabled else "",
        }
        return shown(Form(values=values, many={"events": alert.events.split(",")}), alert)

    @area.post("/settings/alerts/<int:number>")
    @needs(Role.ROOT)
    async def change_alert(number: int) -> Response:
        return await save(await rule_edits.read_alert(ui.services, number))

    async def save(before: Alert | None) -> Response:
        form = await read_form()
        alert = Alert(
            id=before.id if before is not None else 0,
            name=form.text("name", required=True, most=64),
            kind=form.choice("kind", KINDS),
            target=form.text("target", required=before is None, most=2000),
            chat=form.text("chat", most=64),
            events=",".join(group for group in GROUPS if group in form.many.get("events", [])),
            quiet_s=form.integer("quiet", default=60, least=0, most=rule_edits.LONGEST_QUIET_S // 60) * 60,
            enabled=form.flag("enabled"),
        )
        if form.is_sound:
            try:
                await rule_edits.save_alert(ui.services, author(), alert)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go(_LIST, note=_("Alert {name} was saved.", name=alert.name))
        return shown(form, before, 422)

    @area.post("/settings/alerts/<int:number>/test")
    @needs(Role.ROOT, critical=True)
    async def test_alert(number: int) -> Response:
        try:
            await rule_edits.try_alert(ui.services, ui.plane.outside, number)
        except Refused as error:
            return ui.refused(_LIST, error)
        return ui.go(_LIST, note=_("The test was taken."))

    @area.get("/settings/alerts/<int:number>/delete")
    @needs(Role.ROOT)
    async def ask_delete_alert(number: int) -> Response:
        alert = await rule_edits.read_alert(ui.services, number)
        return ui.page(
            "pages/confirm.html",
            title=_("Delete alert {name}?", name=alert.name),
            text=_("Nobody is told of these events by it any more."),
            action=f"/settings/alerts/{alert.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )

    @area.post("/settings/alerts/<int:number>/delete")
    @needs(Role.ROOT)
    async def delete_one_alert(number: int) -> Response:
        await rule_edits.delete_alert(ui.services, author(), number)
        return ui.go(_LIST, note=_("The alert was deleted."))


def kind_word(kind: str) -> str:
    """Return what a way to send is called."""
    return {
        "webhook": _("Webhook"),
        "mail": _("Mail"),
        "telegram": _("Telegram"),
        "feishu": _("Feishu"),
        "dingtalk": _("DingTalk"),
        "slack": _("Slack"),
    }.get(kind, kind)


def event_word(group: str) -> str:
    """Return what a group of events is called."""
    return {
        "channels": _("Channels that are switched off or on, or fail"),
        "money": _("Books that wait or refuse"),
        "budgets": _("Budgets whose soft or hard limit is passed"),
        "shared": _("Redis or other processes that are away"),
        "process": _("Processes that stop, and services that fail"),
        "errors": _("Every error that is logged"),
    }.get(group, group)
