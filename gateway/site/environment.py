"""The environment's settings as operators look them up: what is in force, the default, what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.config.settings import SPECS

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRow:
    """One variable."""

    name: str
    value: str
    default: str
    meaning: str
    unit: str
    group: str
    is_changed: bool
    """Whether it has another value than its default."""
    has_effect: bool


def environment_rows(services: Services, names: Collection[str] | None = None) -> list[EnvironmentRow]:
    """Return the variables of these names, or all, in the order of the documentation."""
    rows = []
    for spec in SPECS:
        if names is not None and spec.name not in names:
            continue
        value = getattr(services.settings, spec.field)
        rows.append(
            EnvironmentRow(
                name=spec.name,
                value=spec.shown(value),
                default=spec.default_shown,
                meaning=spec.variable.meaning,
                unit="" if value is None else spec.variable.unit,
                group=spec.group,
                is_changed=value != spec.default,
                has_effect=not spec.variable.no_effect,
            )
        )
    return rows
