"""Two people with the same form open: what each wrote, field by field, and whose word counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_ui.forms import Form


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field of which something else is stored than was typed."""

    name: str
    label: str
    stored: str
    typed: str


def find_conflicts(form: Form, stored: Mapping[str, str], labels: Mapping[str, str]) -> list[Conflict]:
    """Return where a form differs from what is stored, if somebody changed that since it was opened.

    `stored` has the `version` that the form carried when it was opened; the form gets the one of now, so that saving
    again counts. What the reader ticked to be taken from what is stored is taken first.
    """
    for name in form.many.get("take", []):
        if name in labels:
            form.values[name] = stored.get(name, "")
            form.many.pop(name, None)
    if form.values.get("version", "") == stored["version"]:
        return []
    form.values["version"] = stored["version"]
    form.general.append(_("Somebody else changed this meanwhile. Below is what you typed; saving again keeps yours."))
    found = [
        Conflict(name, label, stored.get(name, ""), _typed(form, name))
        for name, label in labels.items()
        if _plain(stored.get(name, "")) != _plain(_typed(form, name))
    ]
    return [one for one in found if one.name not in form.errors]


def _typed(form: Form, name: str) -> str:
    sent = form.many.get(name)
    return "\n".join(sent) if sent is not None and len(sent) > 1 else form.values.get(name, "")


def _plain(text: str) -> str:
    return ",".join(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())
