"""Changing several options together: all of them, or none with a reason for each that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.registry.option_specs import OPTION_SPECS
from gateway.registry.options import OptionError, Options
from gateway.site.option_edits import note_options
from gateway.site.option_rules import faults_together
from storage.repositories import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services

_LONGEST = 1 << 20


class OptionsRefused(Refused):
    """Nothing was stored. `faults` says why, by option."""

    code = "options_refused"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


async def set_options(services: Services, actor: Author, changes: Mapping[str, str]) -> list[str]:
    """Store the options that differ from what is in force, and return their names. Raises `OptionsRefused`.

    A switch may be turned on together with the text that it needs.
    """

    def work(conn: Connection) -> list[str]:
        now, wanted = checked_options(conn, changes)
        for key in sorted(wanted):
            options.put(conn, key, wanted[key], now_ms=now_ms())
        if wanted:
            note_options(conn, actor, {key: now.text(key) for key in wanted}, wanted)
        return list(wanted)

    changed = await commit(services, work)
    if changed:
        await services.registry.refresh()
        # Values may be secrets: names only.
        services.journal.event(
            "info", "options.changed", f"{actor.username} changed {', '.join(changed)}", user=actor.username
        )
    return changed


async def check_options(services: Services, changes: Mapping[str, str]) -> None:
    """Raise `OptionsRefused` if these options could not be stored now; store nothing."""
    await services.database.read(lambda conn: checked_options(conn, changes))


def checked_options(conn: Connection, changes: Mapping[str, str]) -> tuple[Options, dict[str, str]]:
    """Return what is in force, and those of `changes` that differ from it. Raises `OptionsRefused`."""
    stored = options.everything(conn)
    now = Options.from_rows(stored)
    wanted = {key: value for key, value in changes.items() if key not in OPTION_SPECS or value != now.text(key)}
    after = Options.from_rows(stored | {k: v for k, v in wanted.items() if k in OPTION_SPECS})
    faults: dict[str, str] = {}
    for key, value in wanted.items():
        try:
            after.accept(key, value)
        except OptionError as error:
            faults[key] = str(error)
        if len(value) > _LONGEST:
            faults[key] = f"{key} is too long"
    faults = faults or faults_together(conn, now, after, wanted)
    if faults:
        raise OptionsRefused(faults)
    return now, wanted
