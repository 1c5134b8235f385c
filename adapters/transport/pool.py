"""Connections that wait for their next request.

The last one back is the first one out, so that what a burst opened ages unused and goes away. A server closes its end
whenever it likes; a connection is therefore looked at before use, and a service closes those past their time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from adapters.transport.connect import Connection
    from adapters.transport.target import Origin


class Pool:
    """Idle connections by origin. Owns them until `take` hands them out."""

    def __init__(self, *, idle_s: float, max_idle_per_origin: int) -> None:
        self._idle_s = idle_s
        self._max_idle_per_origin = max_idle_per_origin
        self._idle: dict[Origin, list[Connection]] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._idle.values())

    def take(self, origin: Origin) -> Connection | None:
        """Hand out the connection to `origin` that was used last, or `None` if none is fit for use."""
        waiting = self._idle.get(origin)
        oldest = trio.current_time() - self._idle_s
        while waiting:
            connection = waiting.pop()
            if connection.idle_since >= oldest and not connection.is_stale:
                return connection
            connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """Take back a connection that is ready for another request."""
        waiting = self._idle.setdefault(connection.origin, [])
        if self._is_closed or len(waiting) >= self._max_idle_per_origin:
            connection.close()
            return
        connection.idle_since = trio.current_time()
        waiting.append(connection)

    def sweep(self) -> None:
        """Close connections that waited too long or that their server has closed."""
        oldest = trio.current_time() - self._idle_s
        for origin, waiting in list(self._idle.items()):
            fit: list[Connection] = []
            for connection in waiting:
                if connection.idle_since >= oldest and not connection.is_stale:
                    fit.append(connection)
                else:
                    connection.close()
            if fit:
                self._idle[origin] = fit
            else:
                del self._idle[origin]

    def close(self) -> None:
        """Close all that wait, and from now on all that come back."""
        self._is_closed = True
        for waiting in self._idle.values():
            for connection in waiting:
                connection.close()
        self._idle.clear()
