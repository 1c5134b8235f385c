"""The last service to start: tells operators that the gateway serves, with what, and what they should mend."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import trio

from gateway.accounts.passwords import verify_password
from gateway.observe.records import StartUp
from storage.bootstrap import ROOT_NAME, ROOT_PASSWORD
from storage.repositories import users

if TYPE_CHECKING:
    from gateway.lifecycle_types import Process
    from gateway.observe.journal import JournalService
    from gateway.services import Services


class Greeting:
    """Service: greets once."""

    name = "greeting"

    def __init__(
        self, services: Services, journal: JournalService, *, process: Process, replica_id: str, shared_state: str
    ) -> None:
        self._services = services
        self._journal = journal
        self._process = process
        self._replica_id = replica_id
        self._shared_state = shared_state

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Write the start-up panel and return."""
        services = self._services
        snapshot = services.registry.current
        log_database = services.log_database
        self._journal.started(
            StartUp(
                version=version("one-api"),
                addresses=self._process.addresses,
                database=services.database.dsn.display,
                log_database="" if log_database is services.database else log_database.dsn.display,
                shared_state=self._shared_state,
                replica=self._replica_id[:8],
                workers=self._process.workers,
                channels=len(snapshot.channels),
                models=len({model for _, model in snapshot.serving}),
                warnings=tuple(await self._warnings()),
            )
        )
        task_status.started()

    async def aclose(self) -> None:
        """Owe nothing."""

    async def _warnings(self) -> list[str]:
        found = []
        if await self._default_password():
            found.append(f"the account {ROOT_NAME} still has the password that everybody knows: change it")
        if not self._services.settings.session_secret:
            found.append("SESSION_SECRET is not set: sessions end with this process")
        return found

    async def _default_password(self) -> bool:
        root = await self._services.database.read(lambda conn: users.by_name(conn, ROOT_NAME))
        if root is None:
            return False
        return await trio.to_thread.run_sync(verify_password, ROOT_PASSWORD, root.password)
