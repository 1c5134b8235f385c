"""Model names of a channel: what clients ask for, and what its provider is sent instead.

Relays take one step of a mapping, so a chain ends after its first link, and a ring of names is a mistake.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST_NAME = 191


def read_mapping(text: str | None) -> dict[str, str]:
    """Return the column as it is stored, without what is no pair of names."""
    try:
        table = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {asked: sent for asked, sent in table.items() if isinstance(sent, str)}


def mapping_of(rows: Iterable[tuple[str, str]]) -> str:
    """Return the column for a table of names, `""` for an empty one. Raises `Refused` for rows that make no sense."""
    table: dict[str, str] = {}
    for asked, sent in ((asked.strip(), sent.strip()) for asked, sent in rows):
        if not asked and not sent:
            continue
        if not asked or not sent:
            raise Refused(f"the mapping of {asked or sent} lacks its other name")
        if asked in table:
            raise Refused(f"{asked} is mapped twice")
        table[asked] = sent
    check_mapping(table)
    return json.dumps(table, ensure_ascii=False) if table else ""


def check_mapping(table: Mapping[str, str]) -> None:
    """Raise `Refused` for a ring of names. A name that stands for itself is allowed: it changes nothing."""
    for beginning in table:
        passed = [beginning]
        while (following := table.get(passed[-1])) is not None and following != passed[-1]:
            if following == beginning:
                raise Refused(f"the mapping goes round in a ring: {' → '.join((*passed, beginning))}")
            if following in passed:
                break
            passed.append(following)


def check_names(table: Mapping[str, str]) -> None:
    """Raise `Refused` for names that are too long."""
    for name in (*table, *table.values()):
        if len(name) > _LONGEST_NAME:
            raise Refused(f"a model name may have {_LONGEST_NAME} characters")
