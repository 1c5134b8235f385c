"""Options between what is stored and what people see: fields of a form, words of a value, lines of a difference."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from admin_ui import shown
from admin_ui.forms import as_amount
from admin_ui.i18n import _
from gateway.registry.option_specs import OPTION_SPECS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from admin_ui.forms import Form
    from admin_ui.views.option_shapes import Setting
    from gateway.registry.options import Options
    from gateway.site.option_plan import OptionChange

_CONTEXT_LINES = 1
_MOST_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting before and after, in words; `lines` instead of those where a value has several."""

    change: OptionChange
    title: str
    before: str
    after: str
    lines: Sequence[tuple[str, str]]
    """A sign (`+`, `-` or none) and a text."""


def field_value(setting: Setting, options: Options) -> str:
    """Return what a field shows of a stored value; secrets are never sent."""
    if setting.control == "secret":
        return ""
    if setting.control == "amount":
        return as_amount(options.integer(setting.key), options)
    return options.text(setting.key)


def sent_value(setting: Setting, form: Form, options: Options) -> str | None:
    """Return the text to store for a field; `None` keeps what is there. Faults are noted in the form."""
    key = setting.key
    if setting.control == "switch":
        return "true" if form.flag(key) else "false"
    if setting.control == "secret":
        return form.values.get(key) or None
    if setting.control == "amount":
        return str(form.units(key, options))
    if setting.control == "groups":
        return _ratios(form, options)
    if setting.control == "names":
        return _names(form)
    value = form.values.get(key, "")
    if setting.control == "list":
        return ",".join(form.names(key))
    if setting.control in ("number", "url", "text", "theme", "choice"):
        value = value.strip()
    if setting.control == "number" and not value:
        return OPTION_SPECS[key].default
    return value


def in_words(setting: Setting, text: str, options: Options) -> str:
    """Return a stored value as people read it, on one line."""
    if setting.control == "switch":
        return _("On") if text == "true" else _("Off")
    if setting.control == "choice":
        return _(dict(setting.choices).get(text, text))
    if setting.control == "secret":
        return _("Set") if text else _("Not set")
    if not text:
        return _("Empty")
    if setting.control == "amount":
        return shown.money(int(text), options)
    if setting.control == "groups":
        return ", ".join(f"{name}: {ratio}" for name, ratio in ratio_rows(text))
    if setting.control == "names":
        return ", ".join(f"{name} (#{number})" for number, name in name_rows(text)) or _("Empty")
    if setting.control == "list":
        return text.replace(",", ", ")
    return text


def difference(setting: Setting, change: OptionChange, options: Options) -> Difference:
    """Return a change in words."""
    lines: list[tuple[str, str]] = []
    before, after = (in_words(setting, text, options) for text in (change.before, change.after))
    if setting.control == "secret":
        after = _("Removed") if not change.after else _("Replaced") if change.before else _("Set")
    elif setting.control == "groups":
        lines = _line_changes([f"{n}: {r}" for n, r in ratio_rows(change.before)],
                              [f"{n}: {r}" for n, r in ratio_rows(change.after)])  # fmt: skip
    elif setting.control == "names":
        lines = _line_changes([f"#{i} {n}" for i, n in name_rows(change.before)],
                              [f"#{i} {n}" for i, n in name_rows(change.after)])  # fmt: skip
    elif setting.control == "list":
        lines = _line_changes(change.before.split(","), change.after.split(","))
    elif "\n" in change.before + change.after:
        lines = _line_changes(change.before.splitlines(), change.after.splitlines())
    return Difference(change=change, title=_(setting.title), before=before, after=after, lines=lines)


def ratio_rows(text: str) -> list[tuple[str, str]]:
    """Return the groups of a stored table with their factors, digits as written."""
    try:
        table = json.loads(text, parse_float=Decimal) if text else {}
    except ValueError:
        return []
    return [(name, f"{ratio}") for name, ratio in table.items()]


def typed_ratios(form: Form) -> list[tuple[str, str]]:
    """Return the groups as they were typed, else as the form's text has them."""
    if "group_name" in form.many:
        return list(zip(form.many["group_name"], form.many.get("group_ratio", []), strict=False))
    return ratio_rows(form.values.get("GroupRatio", ""))


def name_rows(text: str) -> list[tuple[str, str]]:
    """Return the channels of a stored table with their public names."""
    try:
        table = json.loads(text) if text else {}
    except ValueError:
        return []
    return [(str(number), str(name)) for number, name in table.items()]


def typed_names(form: Form) -> list[tuple[str, str]]:
    """Return channels and public names as they were typed, else as the form's text has them."""
    if "public_channel" in form.many:
        return list(zip(form.many["public_channel"], form.many.get("public_name", []), strict=False))
    return name_rows(form.values.get("StatusPageChannels", ""))


def _ratios(form: Form, options: Options) -> str:
    """Return the group table as it is stored; numbers keep their digits, and a table that says the same stays."""
    table: dict[str, Decimal] = {}
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
        if name.strip() in table:
            form.fault("GroupRatio", _("{name} is there twice.", name=name.strip()))
        table[name.strip()] = number
    if not table:
        form.fault("GroupRatio", _("Keep at least one group."))
    if table == dict(options.group_ratio) and list(table) == list(options.group_ratio):
        return options.text("GroupRatio")
    return "{" + ", ".join(f"{json.dumps(n, ensure_ascii=False)}: {r:f}" for n, r in table.items()) + "}"


def _names(form: Form) -> str:
    table: dict[str, str] = {}
    for number, name in zip(form.many.get("public_channel", []), form.many.get("public_name", []), strict=False):
        number, name = number.strip().lstrip("#").partition(" ")[0], name.strip()
        if not number or not name:
            continue
        if not (number.isascii() and number.isdigit()):
            form.fault("StatusPageChannels", _("{text} is no number of a channel.", text=number))
            continue
        table[str(int(number))] = name
    return json.dumps(table, ensure_ascii=False)


def _line_changes(before: Iterable[str], after: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for line in difflib.unified_diff(list(before), list(after), lineterm="", n=_CONTEXT_LINES):
        if line.startswith(("---", "+++", "@@")):
            continue
        found.append((line[0].strip(), line[1:]))
    return found[:_MOST_LINES]
