"""Hypercorn's configuration for a gateway: limits, and its log lines in our journal."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from hypercorn.config import Config
from hypercorn.logging import Logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypercorn.typing import ResponseSummary, WWWScope

    from gateway.observe.types import Journal, Level

# Longer than the idle time-outs of the usual proxies in front (60 s), so that they close first and never
# send a request on a connection that is being closed here.
KEEP_ALIVE_S = 75.0
# Cookies and trace headers of large companies pass 16 KiB, Hypercorn's own limit.
HEADER_LIMIT_BYTES = 64 * 1024


class JournalLog(Logger):
    """Hypercorn's logger: no access log, errors to the journal."""

    def __init__(self, config: Config, journal: Journal) -> None:
        super().__init__(config)
        self._journal = journal

    async def access(self, request: WWWScope, response: ResponseSummary, request_time: float) -> None:
        """Say nothing: the relay and the control plane report their own requests."""

    async def info(self, message: str, *args: object, **kwargs: object) -> None:
        """Say nothing: the console shows addresses and phases."""

    async def warning(self, message: str, *args: object, **kwargs: object) -> None:
        """Report to the journal."""
        self._report("warning", message, args)

    async def error(self, message: str, *args: object, **kwargs: object) -> None:
        """Report to the journal."""
        self._report("error", message, args)

    async def exception(self, message: str, *args: object, **kwargs: object) -> None:
        """Report to the journal, with the exception that is being handled."""
        self._report("error", message, args, traceback=traceback.format_exc())

    def _report(self, level: Level, message: str, args: tuple[object, ...], **fields: str) -> None:
        self._journal.event(level, "server.hypercorn", message % args if args else message, **fields)

    def atoms(self, request: WWWScope, response: ResponseSummary | None, request_time: float) -> Mapping[str, str]:
        """Nothing for an access log that there is not."""
        return {}


class ServerConfig(Config):
    """What differs from Hypercorn's defaults, and why."""

    accesslog = None
    errorlog = None
    include_server_header = False
    h11_max_incomplete_size = HEADER_LIMIT_BYTES
    h2_max_header_list_size = HEADER_LIMIT_BYTES
    keep_alive_timeout = KEEP_ALIVE_S
    # A program that asks once a second keeps its connection for weeks.
    keep_alive_max_requests = 1_000_000

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal_log = JournalLog(self, journal)

    @property
    def log(self) -> Logger:
        """The journal, in Hypercorn's clothes."""
        return self._journal_log

    def say_goodbye(self) -> None:
        """Have every response from now on carry `Connection: close`."""
        self.keep_alive_max_requests = 0
