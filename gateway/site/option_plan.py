"""What saving a form of options would change, and what somebody else changed while it was open.

A form carries a mark of each value that it began with. A value that was not touched keeps whatever is stored by now;
one that both sides touched is a conflict, for the person to decide.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.registry.option_specs import OPTION_SPECS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gateway.registry.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChange:
    """One option as it is and as it would be. Values of secrets are only there to be stored."""

    key: str
    before: str
    after: str
    is_conflict: bool = False
    """Somebody else changed it after the form was opened; `before` is theirs."""

    @property
    def is_secret(self) -> bool:
        """Whether neither value may be shown."""
        return OPTION_SPECS[self.key].secret


def marks_of(options: Options, keys: Iterable[str]) -> dict[str, str]:
    """Return a short mark of each value, which says nothing about it."""
    return {key: _mark(options.text(key)) for key in keys}


def changes_of(options: Options, sent: Mapping[str, str], seen: Mapping[str, str]) -> Sequence[OptionChange]:
    """Return what would be different if `sent` were stored; `seen` are the marks that the form carried."""
    found = []
    for key, value in sent.items():
        now = options.text(key)
        mark = seen.get(key, "")
        if value == now or (mark and _mark(value) == mark):
            continue
        found.append(OptionChange(key=key, before=now, after=value, is_conflict=bool(mark) and _mark(now) != mark))
    return found


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]
