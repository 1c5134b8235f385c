"""Who wants to hear what, within one process: the half of a bus that needs no network."""

from __future__ import annotations

import traceback
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.observe.types import Journal

GAP: Final = "gap"
"""A topic of the bus itself: messages may have been missed (payload: why). Whoever caches should read again."""


class Subscriptions:
    """Handlers by topic."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._handlers: dict[str, list[Callable[[str], None]]] = defaultdict(list)

    def add(self, topic: str, handler: Callable[[str], None]) -> None:
        """Call `handler(payload)` for each message of `topic`."""
        self._handlers[topic].append(handler)

    def dispatch(self, topic: str, payload: str) -> None:
        """Call the handlers of `topic`, at once. One that fails is reported and keeps no other from its turn."""
        for handler in self._handlers.get(topic, ()):
            try:
                handler(payload)
            except Exception as error:  # noqa: BLE001 - the boundary: publishers must not suffer from handlers
                report = "".join(traceback.format_exception(error))
                self._journal.event("error", "bus.handler_failed", f"a handler of {topic} failed", traceback=report)
