"""Whether a newer version of the program is out: asked of an address that the operator names, once a day at most.

Off by default, and then nothing leaves this machine. What was found is a row, so that restarts and further processes
do not ask again, and every process can tell it. A failure is only shown, in the settings: nobody is woken by it.
"""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.accounts.refusals import Refused
from gateway.site.about import product_version
from storage.errors import Conflict, StorageError
from storage.repositories import preferences

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.identity.web import Web
    from gateway.services import Services

EVERY_S: Final = 86_400
# Options are looked at when they change; this is for the day that passes.
_LOOK_S: Final = 600.0
# The site itself, among the numbers of people.
_SITE: Final = 0
_ROW: Final = "release-check"
_VERSION: Final = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)(.{0,40})", re.ASCII)
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found the last time. `asked_at` in Unix seconds, also where it failed."""

    address: str
    asked_at: int
    newest: str = ""
    """The newest version that is known, also from the time before a failure."""
    page: str = ""
    """Where people read about it, if the answer says so."""
    fault: str = ""


class Releases:
    """Service, in each process; `asks` is for the one of them that may ask."""

    name = "release-check"

    def __init__(
        self, services: Services, web: Web, *, asks: bool = True, now_s: Callable[[], float] = time.time
    ) -> None:
        self._services = services
        self._web = web
        self._asks = asks
        self._now_s = now_s
        self.finding: Finding | None = None
        """`None` while the check is off, and before the first one."""

    @property
    def newer(self) -> Finding | None:
        """The finding, if it is of a newer version than this one."""
        found = self.finding
        return found if found is not None and is_newer(found.newest, product_version()) else None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look again and again until cancelled."""
        task_status.started()
        while True:
            try:
                await self.look()
            except StorageError as error:
                self._services.journal.event("warning", "releases.unread", f"the release check waits: {error}")
            with trio.move_on_after(_LOOK_S):
                await self._services.registry.renewed()

    async def aclose(self) -> None:
        """Nothing is owed."""

    async def look(self) -> None:
        """Know what is known, and ask if that is due and somebody wants it. Raises `StorageError`."""
        options = self._services.registry.current.options
        address = options.text("ReleaseCheckAddress").strip()
        if not options.flag("ReleaseCheckEnabled") or not address:
            self.finding = None
            return
        known = await self._services.database.read(_read)
        is_due = known is None or known.address != address or known.asked_at <= self._now_s() - EVERY_S
        if self._asks and is_due:
            begun = Finding(
                address=address,
                asked_at=int(self._now_s()),
                newest=known.newest if known is not None and known.address == address else "",
                page=known.page if known is not None and known.address == address else "",
            )
            if await self._is_first(known, begun):
                known = await self._ask(begun)
                await self._services.database.write(lambda conn: _write(conn, known))
        self.finding = known if known is not None and known.address == address else None

    async def _is_first(self, known: Finding | None, begun: Finding) -> bool:
        """Note that somebody asks now; `False` if another process did meanwhile."""

        def work(conn: Connection) -> bool:
            if _read(conn) != known:
                return False
            _write(conn, begun)
            return True

        try:
            return await self._services.database.write(work)
        except Conflict:
            return False

    async def _ask(self, begun: Finding) -> Finding:
        """Return what the address says; it has a few seconds."""
        try:
            answer = await self._web.json("the address of the release check", "GET", begun.address)
        except Refused as error:
            return _with(begun, fault=error.message)
        for name in ("tag_name", "version"):
            text = answer.get(name)
            if isinstance(text, str) and _VERSION.fullmatch(text.strip()):
                page = answer.get("html_url")
                is_address = isinstance(page, str) and page.startswith("https://") and len(page) <= _LONGEST
                return _with(begun, newest=text.strip(), page=str(page) if is_address else "")
        return _with(begun, fault="the answer of the release check names no version")


def is_newer(one: str, other: str) -> bool:
    """Whether a version comes after another: `1.2.0-rc1` comes before `1.2.0`. What is no version is not newer."""
    first, second = _VERSION.fullmatch(one), _VERSION.fullmatch(other)
    if first is None or second is None:
        return False
    return _order(first) > _order(second)


def _order(version: re.Match[str]) -> tuple[list[int], bool, str]:
    numbers = [int(part[:9]) for part in version[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = version[2].partition("+")[0]
    return numbers, not rest, rest


def _with(begun: Finding, **changes: str) -> Finding:
    return Finding(**{**asdict(begun), **changes})


def _read(conn: Connection) -> Finding | None:
    text = preferences.read(conn, _SITE, [_ROW]).get(_ROW, "")
    try:
        return msgspec.json.decode(text, type=Finding) if text else None
    except msgspec.MsgspecError:
        return None


def _write(conn: Connection, finding: Finding) -> None:
    preferences.put(conn, _SITE, _ROW, msgspec.json.encode(finding).decode())
