"""Two people at one channel: what both changed, side by side, with a choice for each field.

A form carries a mark of each value that it was opened with. What somebody else saved meanwhile is told by it, and so
is what was typed here; only fields that say two things are asked about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from admin_ui.i18n import _
from admin_ui.views.channel_fields import MORE
from admin_ui.views.channel_tables import MAPPING, PRICES, PROFILES, put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_ui.forms import Form

MARKS: Final = "marks"
"""Field of the form with a mark for each value it was opened with."""
_KEEP = "keep_"
_LISTS = ("models", "groups")
_TABLES = {MAPPING: ("map_from", "map_to"), PROFILES: ("arn_model", "arn_of"), PRICES: ("price_model",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that says two things."""

    name: str
    label: str
    mine: str
    theirs: str
    keeps_mine: bool
    """Chosen to begin with: what was typed here wins over what nobody here touched."""


def marks_of(values: Mapping[str, str]) -> str:
    """Return a mark for each value."""
    return json.dumps({name: _mark(name, value) for name, value in values.items()}, separators=(",", ":"))


def choose(form: Form, stored: Mapping[str, str]) -> None:
    """Put the stored value into each field whose other value was chosen."""
    for name in stored:
        if form.values.pop(_KEEP + name, "") == "theirs":
            form.values[name] = stored[name]
            form.many.pop(name, None)
            if name in _TABLES:
                put(form, name, stored[name])
                for column in _TABLES[name]:
                    form.many.pop(column, None)


def differences(form: Form, stored: Mapping[str, str]) -> list[Difference]:
    """Return the fields that somebody else changed since the form was opened, and that differ from what is typed."""
    try:
        marks: object = json.loads(form.values.get(MARKS, "") or "{}")
    except ValueError:
        marks = {}
    if not isinstance(marks, dict) or not marks:
        return []
    found = []
    for name, value in stored.items():
        typed = _typed(form, name)
        if _plain(name, typed) == _plain(name, value) or marks.get(name) == _mark(name, value):
            continue
        found.append(
            Difference(
                name=name,
                label=label_of(name),
                mine=typed,
                theirs=value,
                keeps_mine=marks.get(name) != _mark(name, typed),
            )
        )
    return found


def label_of(name: str) -> str:
    """Return what people call a field."""
    return {
        "type": _("Type"),
        "name": _("Name"),
        "base_url": _("Base URL"),
        "models": _("Models"),
        "groups": _("Groups"),
        "priority": _("Priority"),
        "weight": _("Weight"),
        "ratelimit": _("Rate limit"),
        MAPPING: _("Model mapping"),
        PRICES: _("Prices"),
        "system_prompt": _("System prompt"),
        "testing_model": _("Testing model"),
        PROFILES: _("Inference profiles"),
        "tag": _("Tag"),
        "note": _("Note"),
        MORE: _("Further settings"),
    }.get(name, name.removeprefix("config_"))


def _typed(form: Form, name: str) -> str:
    if name in _LISTS:
        return "\n".join(form.names(name))
    return form.values.get(name, "")


def _plain(name: str, value: str) -> str:
    if name in _LISTS:
        return "\n".join(sorted(value.replace(",", "\n").split()))
    return value.strip()


def _mark(name: str, value: str) -> str:
    return sha256(_plain(name, value).encode()).hexdigest()[:10]
