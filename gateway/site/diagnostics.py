"""How the installation is: its processes, its database, its settings. Nothing here is secret."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec
import trio

from gateway.config.settings import SPECS
from gateway.registry.option_specs import OPTION_SPECS
from storage.errors import StorageError
from storage.migrate import pending, revision_of
from storage.repositories.vital import read_vitals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.live.facts import ProcessFacts
    from gateway.live.inside import Inside
    from gateway.live.live import Live
    from gateway.live.tails import Line
    from gateway.services import Services
    from storage.repositories.vital import Vitals


_TOLD_LINES = 20
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that differs from its default, secrets masked."""

    name: str
    value: str
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database; `vitals` is missing while it does not answer."""

    address: str
    vitals: Vitals | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything at one moment."""

    processes: Sequence[ProcessFacts]
    insides: Sequence[Inside]
    main: DatabaseFacts
    logs: DatabaseFacts | None
    """The database of the logs, where it is another one."""
    revision: str
    pending: Sequence[str]
    settings: Sequence[Setting]
    options: Sequence[Setting]


async def diagnose(services: Services, live: Live, *, with_tasks: bool = False) -> Diagnosis:
    """Look at everything, at the tree of tasks only if asked. A database that is away is told of, not raised."""
    main = await _database(services, is_main=True)
    apart = services.log_database is not services.database
    revision, waiting = "", []
    if main.vitals is not None:
        revision = await services.database.read(revision_of)
        waiting = await trio.to_thread.run_sync(pending, services.database)
    return Diagnosis(
        processes=await live.roll.call(),
        insides=await live.insides.look(with_tasks=with_tasks),
        main=main,
        logs=await _database(services, is_main=False) if apart else None,
        revision=revision,
        pending=waiting,
        settings=changed_settings(services),
        options=changed_options(services),
    )


def changed_settings(services: Services) -> list[Setting]:
    """Return the environment's settings that differ from their defaults."""
    found = []
    for spec in SPECS:
        value = getattr(services.settings, spec.field)
        if value != spec.default:
            found.append(Setting(name=spec.name, value=spec.shown(value), default=spec.default_shown))
    return found


def changed_options(services: Services) -> list[Setting]:
    """Return the options that differ from their defaults; of secrets only that they are set."""
    options, found = services.registry.current.options, []
    for key, spec in OPTION_SPECS.items():
        value = options.text(key)
        if value != spec.default:
            shown = "•••" if spec.secret else value
            found.append(Setting(name=key, value=shown[:300], default="" if spec.secret else spec.default[:300]))
    return found


async def bundle(services: Services, live: Live) -> bytes:
    """Return everything as JSON, with the end of the journals, to be handed to who helps."""
    diagnosis = await diagnose(services, live, with_tasks=True)
    lines, _seen = await live.tails.after({})
    content = {
        "made_at": int(time.time()),
        "processes": msgspec.to_builtins(list(diagnosis.processes)),
        "insides": msgspec.to_builtins(list(diagnosis.insides)),
        "database": asdict(diagnosis.main),
        "log_database": asdict(diagnosis.logs) if diagnosis.logs is not None else None,
        "revision": diagnosis.revision,
        "pending": list(diagnosis.pending),
        "settings": [asdict(setting) for setting in diagnosis.settings],
        "options": [asdict(setting) for setting in diagnosis.options],
        "journal": msgspec.to_builtins(lines),
    }
    return json.dumps(content, ensure_ascii=False, indent=2, default=str).encode()


def as_issue(diagnosis: Diagnosis, lines: Sequence[Line]) -> str:
    """Return what whoever helps wants to know first, as Markdown to be pasted; secrets are masked already."""
    main = diagnosis.main
    parts = ["### What happened", "", "", "### Where", ""]
    parts += [
        f"- One API {one.version}, Python {one.python}, process {one.process}, {one.state}, shared over {one.shared}"
        for one in diagnosis.processes
    ]
    engine = main.address.partition(":")[0]
    version = main.vitals.version if main.vitals is not None else f"does not answer: {main.fault}"
    parts.append(f"- database {engine} {version}, structure {diagnosis.revision or 'unknown'}")
    parts += [f"- {setting.name}={setting.value}" for setting in diagnosis.settings]
    told = [line for line in lines if line.level in ("warning", "error")][-_TOLD_LINES:]
    if told:
        parts += ["", "### The last warnings and errors", "", "```"]
        parts += [f"{line.level} {line.event} {line.message}"[:_LONGEST_LINE] for line in told]
        parts.append("```")
    return "\n".join(parts) + "\n"


async def _database(services: Services, *, is_main: bool) -> DatabaseFacts:
    database = services.database if is_main else services.log_database
    address = database.dsn.display
    if not is_main:
        # It holds nothing but logs.
        return DatabaseFacts(address=address, vitals=None)
    try:
        return DatabaseFacts(address=address, vitals=await database.read(read_vitals))
    except StorageError as error:
        return DatabaseFacts(address=address, vitals=None, fault=str(error))
