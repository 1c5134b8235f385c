"""Changing options: checked first, stored after, in force at once everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import differences, note
from gateway.registry.option_specs import OPTION_SPECS
from gateway.registry.options import OptionError, Options
from gateway.site.option_rules import faults_of
from storage.repositories import options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services

_LONGEST = 1 << 20


async def set_option(services: Services, author: Author, key: str, value: str) -> None:
    """Store one option. Raises `Refused` with the reason when it does not fit."""
    if len(value) > _LONGEST:
        raise Refused(f"{key} is too long")
    try:
        services.registry.current.options.accept(key, value)
    except OptionError as error:
        raise Refused(str(error)) from error

    def work(conn: Connection) -> None:
        stored = options.everything(conn)
        before, after = Options.from_rows(stored), Options.from_rows(stored | {key: value})
        faults = faults_of(conn, before, after, (key,)) if before.text(key) != value else {}
        if faults:
            raise Refused(faults[key])
        options.put(conn, key, value, now_ms=now_ms())
        note_options(conn, author, {key: before.text(key)}, {key: value})

    await commit(services, work)
    await services.registry.refresh()


def note_options(conn: Connection, author: Author, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Write down which options were changed, without the values of secrets."""
    secrets = {key for key, spec in OPTION_SPECS.items() if spec.secret}
    names = ", ".join(after)
    note(conn, author, "option.set", name=names, changes=differences(before, after, secrets=secrets))
