"""The site's settings, for root: one form a section, saved whole or not at all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _, _n, said
from admin_ui.views.option_sections import SECTIONS, Section, Setting
from gateway.accounts.refusals import NotFound
from gateway.management.guard import author, needs
from gateway.registry.options import OPTION_SPECS, THEMES
from gateway.site.option_batch import OptionsRefused, set_options
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_MONEY = ("amount",)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    def shown(section: Section, form: Form, status: int = 200) -> Response:
        options = ui.options
        return ui.page(
            "pages/settings.html",
            status,
            section=section,
            sections=SECTIONS,
            form=form,
            themes_of_old=THEMES,
            ratios=_ratio_rows(form),
            is_set={s.key for s in section.settings if s.control == "secret" and options.text(s.key)},
        )

    @area.get("/settings")
    @needs(Role.ROOT)
    async def settings() -> Response:
        wanted = request.args.get("q", "").strip().lower()
        if wanted:
            for section in SECTIONS:
                for setting in section.settings:
                    if wanted in _(setting.title).lower() or wanted in setting.key.lower():
                        return ui.go(f"/settings/{section.key}#f-{setting.key}")
            return ui.go("/settings/general", note=_("No setting is called that."), kind="info")
        return ui.go("/settings/general")

    @area.get("/settings/<key>")
    @needs(Role.ROOT)
    async def section_page(key: str) -> Response:
        section = _section(key)
        return shown(section, Form(values={s.key: _value(s, ui) for s in section.settings}))

    @area.post("/settings/<key>")
    @needs(Role.ROOT)
    async def save_section(key: str) -> Response:
        section = _section(key)
        form = await read_form()
        changes: dict[str, str] = {}
        for setting in section.settings:
            value = _sent(setting, form, ui)
            if value is not None:
                changes[setting.key] = value
        if not form.is_sound:
            return shown(section, form, 422)
        try:
            changed = await set_options(ui.services, author(), changes)
        except OptionsRefused as error:
            for name, text in error.faults.items():
                form.fault(name, said(text))
            return shown(section, form, 422)
        text = _n("{n} setting was saved.", "{n} settings were saved.", len(changed))
        return ui.go(f"/settings/{key}", note=text if changed else _("Nothing was changed."))


def _section(key: str) -> Section:
    for section in SECTIONS:
        if section.key == key:
            return section
    raise NotFound("there is no such section", status=404)


def _value(setting: Setting, ui: Ui) -> str:
    """Return what a field shows; secrets are never sent."""
    if setting.control == "secret":
        return ""
    if setting.control in _MONEY:
        return as_amount(ui.options.integer(setting.key), ui.options)
    return ui.options.text(setting.key)


def _sent(setting: Setting, form: Form, ui: Ui) -> str | None:
    """Return the text to store for a field; `None` keeps what is there."""
    key = setting.key
    if setting.control == "switch":
        return "true" if form.flag(key) else "false"
    if setting.control == "secret":
        if form.flag(f"{key}-remove"):
            return ""
        return form.values.get(key) or None
    if setting.control in _MONEY:
        return str(form.units(key, ui.options))
    if setting.control == "groups":
        return _ratios(form)
    value = form.values.get(key, "")
    if setting.control == "list":
        return ",".join(form.names(key))
    if setting.control in ("number", "url", "text", "theme"):
        value = value.strip()
    if setting.control == "url" and value and not value.startswith(("https://", "http://", "/")):
        form.fault(key, _("Begin with https:// or http://."))
    if setting.control == "number" and not value:
        return OPTION_SPECS[key].default
    return value


def _ratio_rows(form: Form) -> list[tuple[str, str]]:
    """Return the groups as the table shows them: as they were typed, else as they are in force."""
    if "group_name" in form.many:
        return list(zip(form.many["group_name"], form.many.get("group_ratio", []), strict=False))
    text = form.values.get("GroupRatio", "")
    return [(name, f"{ratio}") for name, ratio in json.loads(text, parse_float=Decimal).items()] if text else []


def _ratios(form: Form) -> str:
    """Return the group table as it is stored; numbers keep their digits."""
    members = []
    for name, ratio in zip(form.many.get("group_name", []), form.many.get("group_ratio", []), strict=False):
        if not name.strip():
            continue
        try:
            number = Decimal(ratio.strip() or "1")
        except ArithmeticError:
            number = Decimal("NaN")
        if not number.is_finite() or number < 0:
            form.fault("GroupRatio", _("{name} needs a number of 0 or more.", name=name))
            continue
        members.append(f"{json.dumps(name.strip(), ensure_ascii=False)}: {number:f}")
    if not members:
        form.fault("GroupRatio", _("Keep at least one group."))
    return "{" + ", ".join(members) + "}"
