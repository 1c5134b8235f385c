"""The alert service of `LOG_PUSH_API` as a service of the process: the pusher and the client it pushes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from gateway.observe.push import SEND_LIMIT_S, AlertPusher

if TYPE_CHECKING:
    import ssl

    import trio

    from gateway.config.settings import Settings
    from gateway.observe.redact import Redactor


class Alerts:
    """Service: pushes errors. `pusher` is for the journal, before anything runs."""

    name = "alerts"

    def __init__(self, settings: Settings, redactor: Redactor, *, tls: ssl.SSLContext) -> None:
        self._client = httpx2.AsyncClient(verify=tls, timeout=SEND_LIMIT_S)
        self.pusher = AlertPusher(
            self._client,
            url=settings.log_push_api,
            kind=settings.log_push_type,
            token=settings.log_push_token,
            redactor=redactor,
        )

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Push until cancelled."""
        async with self._client:
            await self.pusher.run(task_status=task_status)

    async def aclose(self) -> None:
        """Nothing is owed: alerts are best effort, and the log has them all."""
