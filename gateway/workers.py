"""`one-api serve`: one process, or a parent with several workers; and a worker's way in.

What is done once per start (the port, the migrations) is done here, before any event loop runs. Workers are new
interpreters, not forks: threads and database connections do not survive a fork. They learn of their place by an
internal variable and inherited sockets.
"""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic

import msgspec
import trio

from gateway.lifecycle import SettingsT, explain, run_process
from gateway.lifecycle_types import Process
from gateway.server.sockets import addresses_of, adopt, adopt_listeners, open_listeners, raise_file_limit
from gateway.worker_parent import WORKER_VARIABLE, Parent, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.config.settings import Loaded, Settings
    from gateway.lifecycle_types import Build
    from gateway.worker_parent import ParentJournal

READY: Final = b"r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(Generic[SettingsT]):
    """What `start` runs."""

    settings: SettingsT
    build: Build[SettingsT]
    prepare: Callable[[], None]
    """Done once, before any process serves. What it raises is told on standard error, and ends the start."""
    open_journal: Callable[[], ParentJournal]
    """For the parent, which has no `App`."""
    command: Sequence[str]
    """Starts a worker, given its place in the environment."""


def main(loaded: Loaded) -> int:
    """Serve until drained and return the exit code."""
    # What is loaded stays. Looking for garbage in it takes a seventh of the time of a start, and later would stop
    # every stream for as long again each time that the collector goes over all there is.
    gc.disable()
    # The commands need not wait for what only a server needs.
    from gateway.app import build, prepare_databases  # noqa: PLC0415
    from gateway.observe.progress import migration_progress  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    settings = loaded.settings

    def prepare() -> None:
        for warning in loaded.warnings:
            sys.stderr.write(f"one-api: {warning}\n")
        with migration_progress(sys.stderr, on_terminal=sys.stderr.isatty()) as draw:
            report = prepare_databases(settings, lambda done, total, _: draw("database", done, total))
        if report is None:
            return
        if report.is_adoption:
            sys.stderr.write("one-api: a database of one-api was taken over; one-api can still open it\n")
        for channel, reason in report.skipped_channels.items():
            sys.stderr.write(
                f"one-api: the prices of channel {channel} cannot be read and stay as they are: {reason}\n"
            )

    return start(
        Program(
            settings=settings,
            build=build,
            prepare=prepare,
            open_journal=lambda: _parent_journal(settings),
            command=[sys.executable, "-m", "gateway.cli", *sys.argv[1:]],
        ),
        os.environ,
    )


def start(program: Program[SettingsT], environ: Mapping[str, str]) -> int:
    """Become the only process, the parent, or (if `environ` says so) a worker; return the exit code."""
    raise_file_limit()
    settings = program.settings
    if WORKER_VARIABLE in environ:
        place = msgspec.json.decode(environ[WORKER_VARIABLE], type=Place)
        return trio.run(partial(_work, program, place))
    try:
        listeners = open_listeners(settings.port, write_timeout_s=settings.client_write_timeout_sec)
        program.prepare()
    except Exception as error:  # noqa: BLE001 - the boundary: what ends a start is told on standard error
        explain(error)
        return 1
    if settings.workers == 1:
        return trio.run(partial(run_process, program.build, settings, listeners=listeners))
    parent = Parent(
        settings=settings,
        listeners=listeners,
        journal=program.open_journal(),
        command=program.command,
        environ=environ,
    )
    return trio.run(parent.run)


async def _work(program: Program[SettingsT], place: Place) -> int:
    listeners = adopt_listeners(place.listeners)
    life = trio.socket.from_stdlib_socket(adopt(place.life))

    async def parent_gone() -> None:
        try:
            await life.recv(1)
        except OSError:
            return

    def on_ready() -> None:
        # A stdlib view of the same descriptor would close it; one byte always fits.
        os.write(life.fileno(), READY)

    process = Process(
        is_leader=place.index == 0,
        worker=place.index,
        workers=place.workers,
        addresses=addresses_of(listeners),
        bus_link=adopt(place.link),
    )
    with life:
        return await run_process(
            program.build,
            program.settings,
            listeners=listeners,
            process=process,
            parent_gone=parent_gone,
            on_ready=on_ready,
        )


def _parent_journal(settings: Settings) -> ParentJournal:
    from gateway.observe.build import build_journal  # noqa: PLC0415 - see `main`
    from gateway.observe.redact import Redactor  # noqa: PLC0415 - see `main`

    return build_journal(
        stream=sys.stdout,
        redactor=Redactor(secrets=[settings.session_secret], key_prefix=settings.token_key_prefix),
        debug=settings.debug,
        log_dir=Path(settings.log_dir) if settings.log_dir else None,
        only_one_file=settings.only_one_log_file,
    )
