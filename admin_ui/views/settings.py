"""The site's settings, for root: one form a section, looked at before it is saved, saved whole or not at all."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, cast

from quart import request, session

from admin_ui import setting_values as values
from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _, _n, told
from admin_ui.views.option_sections import SECTIONS, setting_of
from gateway.accounts.refusals import NotFound
from gateway.identity import trial
from gateway.management.guard import author, needs
from gateway.registry.option_specs import OPTION_SPECS
from gateway.registry.options import THEMES
from gateway.site.environment import environment_rows
from gateway.site.groups import group_members
from gateway.site.option_batch import OptionsRefused, check_options, set_options
from gateway.site.option_history import last_changes
from gateway.site.option_plan import changes_of, marks_of
from storage.records import Role
from storage.sealing import Sealer, is_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from admin_ui.views.option_shapes import Section, Setting
    from gateway.site.option_plan import OptionChange

CALL_BACKS = {"GitHub": "github", "OpenID Connect": "oidc", "Lark": "lark"}
"""Part of the section of third parties to the provider's name in addresses."""


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    # Secrets pass through the page that asks whether to save, where nobody shall read them.
    sealer = Sealer((ui.services.settings.session_secret or token_hex(32),))
    _find(area, ui)
    _sections(area, ui, sealer)
    _reset(area, ui)


def _find(area: Blueprint, ui: Ui) -> None:
    @area.get("/settings")
    @needs(Role.ROOT)
    async def settings() -> Response:
        wanted = request.args.get("q", "").strip().lower()
        if not wanted:
            return ui.go("/settings/general")
        found = [
            (section, setting)
            for section in SECTIONS
            for setting in section.settings
            if wanted in f"{_(setting.title)} {_(setting.help) if setting.help else ''} {setting.key}".lower()
        ]
        variables = [
            (section, row)
            for section in SECTIONS
            for row in environment_rows(ui.services, section.variables)
            if wanted in f"{row.name} {_(row.meaning)}".lower()
        ]
        options = ui.options
        return ui.page(
            "pages/settings_found.html",
            sections=SECTIONS,
            section=None,
            wanted=request.args.get("q", "").strip(),
            found=[(sec, one, values.in_words(one, options.text(one.key), options)) for sec, one in found],
            variables=variables,
        )


def _sections(area: Blueprint, ui: Ui, sealer: Sealer) -> None:
    @area.get("/settings/<key>")
    @needs(Role.ROOT)
    async def section_page(key: str) -> Response:
        section = section_called(key)
        form = Form(values={s.key: values.field_value(s, ui.options) for s in section.settings})
        return await section_shown(ui, section, form)

    @area.post("/settings/<key>")
    @needs(Role.ROOT)
    async def save_section(key: str) -> Response:
        section = section_called(key)
        form = await read_form()
        if "change" in form.many:
            return await _reviewed(section, form)
        sent = {}
        for setting in section.settings:
            value = values.sent_value(setting, form, ui.options)
            if value is not None:
                sent[setting.key] = value
        if not form.is_sound:
            return await section_shown(ui, section, form, 422)
        return await _review(section, form, changes_of(ui.options, sent, _marks(form)))

    async def _review(section: Section, form: Form, changes: Sequence[OptionChange]) -> Response:
        """Show what would change, before anything does."""
        where = f"/settings/{section.key}"
        if not changes:
            return ui.go(where, note=_("Nothing was changed."), kind="info")
        try:
            await check_options(ui.services, {change.key: change.after for change in changes})
        except OptionsRefused as error:
            return await _refused(section, form, error)
        options = ui.options
        found = [values.difference(s, c, options) for c in changes if (s := setting_of(c.key)) is not None]
        return ui.page(
            "pages/settings_check.html",
            section=section,
            sections=SECTIONS,
            differences=found,
            marks=marks_of(options, [change.key for change in changes]),
            carried={c.key: sealer.seal(c.after) if c.is_secret else c.after for c in changes},
            has_conflict=any(change.is_conflict for change in changes),
        )

    async def _reviewed(section: Section, form: Form) -> Response:
        """Save what was looked at, go back to the form with it, or show it again if it is out of date."""
        wanted = _wanted(section, form, sealer)
        if form.flag("edit"):
            options = ui.options
            kept = {s.key: values.field_value(s, options) for s in section.settings}
            typed = {key: text for key, text in wanted.items() if not OPTION_SPECS[key].secret}
            return await section_shown(ui, section, Form(values=kept | _as_typed(typed, ui)))
        if not await ui.is_first(form.values.get("once", "")):
            return ui.go(f"/settings/{section.key}", note=_("This was saved already."), kind="info")
        changes = changes_of(ui.options, wanted, _marks(form))
        if not changes or any(change.is_conflict for change in changes):
            return await _review(section, form, changes)
        try:
            changed = await set_options(ui.services, author(), {change.key: change.after for change in changes})
        except OptionsRefused as error:
            return await _refused(section, form, error)
        text = _n("{n} setting was saved.", "{n} settings were saved.", len(changed))
        return ui.go(f"/settings/{section.key}", note=text)

    async def _refused(section: Section, form: Form, error: OptionsRefused) -> Response:
        for name, text in error.faults.items():
            form.fault(name, told(text))
        return await section_shown(ui, section, form, 422)


def _reset(area: Blueprint, ui: Ui) -> None:
    @area.get("/settings/<key>/reset/<option>")
    @needs(Role.ROOT)
    async def ask_option_reset(key: str, option: str) -> Response:
        section, setting = _setting(key, option)
        options, spec = ui.options, OPTION_SPECS[option]
        before = values.in_words(setting, options.text(option), options)
        if spec.secret:
            text = _("Whatever needs it stops working.")
        else:
            after = values.in_words(setting, spec.default, options)
            text = _("It is {before} now and becomes {after}.", before=before[:200], after=after[:200])
        title = _("Remove “{name}”?") if spec.secret else _("Reset “{name}” to its default?")
        return ui.page(
            "pages/confirm.html",
            title=title.format(name=_(setting.title)),
            text=text,
            action=f"/settings/{section.key}/reset/{option}",
            verb=_("Remove") if spec.secret else _("Reset"),
            back=f"/settings/{section.key}",
        )

    @area.post("/settings/<key>/reset/<option>")
    @needs(Role.ROOT)
    async def reset_option(key: str, option: str) -> Response:
        section, setting = _setting(key, option)
        where = f"/settings/{section.key}"
        try:
            changed = await set_options(ui.services, author(), {option: OPTION_SPECS[option].default})
        except OptionsRefused as error:
            return ui.refused(where, error)
        note = _("“{name}” has its default again.", name=_(setting.title)) if changed else _("Nothing was changed.")
        return ui.go(f"{where}#f-{option}", note=note)


async def section_shown(ui: Ui, section: Section, form: Form, status: int = 200) -> Response:
    """Return a section's page with what `form` says."""
    options = ui.options
    keys = [setting.key for setting in section.settings]
    by_key = {setting.key: setting for setting in section.settings}
    has_groups, has_names = "GroupRatio" in keys, "StatusPageChannels" in keys
    return ui.page(
        "pages/settings.html",
        status,
        section=section,
        sections=SECTIONS,
        form=form,
        themes_of_old=THEMES,
        ratios=values.typed_ratios(form) if has_groups else [],
        members=await group_members(ui.services) if has_groups else {},
        public=values.typed_names(form) if has_names else [],
        channels=_channel_choices(ui) if has_names else [],
        is_set={key for key in keys if options.text(key)},
        history=await last_changes(ui.services, keys),
        marks=marks_of(options, keys),
        is_default=lambda key: options.text(key) == OPTION_SPECS[key].default,
        default=lambda key: values.in_words(by_key[key], OPTION_SPECS[key].default, options),
        variables=environment_rows(ui.services, section.variables) if section.variables else [],
        call_back=lambda part: f"{options.server_address}/oauth/{CALL_BACKS[part]}" if part in CALL_BACKS else "",
        slug=CALL_BACKS,
        tried=trial.result(cast("MutableMapping[str, object]", session)) if section.key == "providers" else {},
    )


def section_called(key: str) -> Section:
    """Return a section. Raises `NotFound`."""
    for section in SECTIONS:
        if section.key == key:
            return section
    raise NotFound("there is no such section", status=404)


def _setting(key: str, option: str) -> tuple[Section, Setting]:
    section = section_called(key)
    for setting in section.settings:
        if setting.key == option:
            return section, setting
    raise NotFound("there is no such setting", status=404)


def _marks(form: Form) -> dict[str, str]:
    return {name.removeprefix("seen-"): mark for name, mark in form.values.items() if name.startswith("seen-")}


def _wanted(section: Section, form: Form, sealer: Sealer) -> dict[str, str]:
    """Return what a reviewed form wants stored. Where somebody else's value was preferred, nothing is."""
    known = {setting.key for setting in section.settings}
    wanted = {}
    for key in form.many["change"]:
        if key not in known or form.values.get(f"keep-{key}") == "theirs":
            continue
        value = form.values.get(f"value-{key}", "")
        if OPTION_SPECS[key].secret:
            value = sealer.open(value)
            if is_sealed(value):
                # Sealed by a process that had another key: it has to be typed again.
                continue
        wanted[key] = value
    return wanted


def _as_typed(texts: Mapping[str, str], ui: Ui) -> dict[str, str]:
    """Return stored texts as fields show them."""
    found = {}
    for key, text in texts.items():
        setting = setting_of(key)
        is_amount = setting is not None and setting.control == "amount"
        found[key] = as_amount(int(text), ui.options) if is_amount else text
    return found


def _channel_choices(ui: Ui) -> list[tuple[int, str]]:
    channels = ui.services.registry.current.channels.values()
    return sorted((channel.id, channel.name) for channel in channels)
