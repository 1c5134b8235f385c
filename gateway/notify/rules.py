"""The service that tells people of events by their own rules, at most once in a rule's quiet time.

Events are taken from the journal, whose callers never wait: what does not fit is dropped and counted. Every process
has this service; the quiet time is shared as far as limits are, so that several who notice one thing tell it once.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Final

import trio

from gateway.accounts.refusals import Refused
from gateway.notify.carriers import carry
from storage.errors import StorageError
from storage.repositories import alerts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.identity.outside import Outside
    from gateway.observe.records import Event
    from gateway.observe.redact import Redactor
    from gateway.services import Services
    from storage.repositories.alerts import Alert

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "channels": (
        "channel.disabled",
        "channel.enabled",
        "channel.suspended",
        "channel.failing",
        "channel.key_refused",
    ),
    "money": ("ledger.", "reaper.", "outbox."),
    "budgets": ("budget.soft", "budget.hard"),
    "shared": ("cluster.", "bus.", "presence.", "registry."),
    "process": ("process.", "service.", "worker.", "server."),
    "errors": (),
}
"""Events by what people call them; a name that ends in a dot begins many. `errors`: all of that level."""
KEPT: Final = 200
EVERY_S: Final = 1.0
_RULES_LIFE_S: Final = 10.0
# What sending itself says must not be sent.
_OURS: Final = ("alert.", "notify.", "mail.")


class Watch:
    """Takes events from the journal, before anything runs."""

    def __init__(self) -> None:
        self._kept: deque[Event] = deque(maxlen=KEPT)

    def __call__(self, event: Event) -> None:
        """Keep an event that a rule may be about. Never waits, never raises; callable from any thread."""
        if not event.name.startswith(_OURS) and groups_of(event):
            self._kept.append(event)

    def take(self) -> list[Event]:
        """Return what came since the last time."""
        found = []
        while self._kept:
            found.append(self._kept.popleft())
        return found


class AlertRules:
    """Service: matches events with rules and sends."""

    name = "alert-rules"

    def __init__(
        self,
        services: Services,
        outside: Outside,
        watch: Watch,
        redactor: Redactor,
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._services = services
        self._outside = outside
        self._watch = watch
        self._redactor = redactor
        self._every_s = every_s
        self._rules: list[Alert] = []
        self._rules_until = 0.0
        self._quiet: dict[tuple[int, str], int] = {}
        """How many were kept back since the last one that was sent, by rule and event."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send until cancelled. Looks once a second: nobody is called quicker than that."""
        task_status.started()
        while True:
            await trio.sleep(self._every_s)
            events = self._watch.take()
            if events:
                await self.tell(events)

    async def aclose(self) -> None:
        """Tell what waits; the caller bounds it."""
        events = self._watch.take()
        if events:
            await self.tell(events)

    async def tell(self, events: Sequence[Event]) -> None:
        """Tell whoever has a rule for one of these events."""
        try:
            rules = await self._current()
            for event in events:
                for rule in rules:
                    if rule.enabled and groups_of(event) & set(rule.events.split(",")):
                        await self._tell(rule, event)
        except StorageError as error:
            self._services.journal.event("warning", "alert.unread", f"alerts were not sent: {error}")

    async def _current(self) -> list[Alert]:
        now = trio.current_time()
        if now >= self._rules_until:
            self._rules = await self._services.database.read(alerts.everything)
            self._rules_until = now + _RULES_LIFE_S
        return self._rules

    async def _tell(self, rule: Alert, event: Event) -> None:
        key = (rule.id, event.name)
        is_due = rule.quiet_s <= 0 or await self._services.windows.hit(
            f"alert:{rule.id}:{event.name}", limit=1, window_s=float(rule.quiet_s)
        )
        if not is_due:
            self._quiet[key] = self._quiet.get(key, 0) + 1
            return
        kept_back = self._quiet.pop(key, 0)
        site = self._services.registry.current.options.text("SystemName")
        moment = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(event.at_s))
        text = f"{self._redactor.text(event.message)}\n{moment} {event.level} {event.name}"
        if kept_back:
            text += f"\n{kept_back} more of these were not sent meanwhile."
        fault = ""
        try:
            await carry(self._outside, rule, f"{site}: {event.name}", text)
        except Refused as error:
            fault = error.message
            self._services.journal.event("warning", "alert.unsent", f"alert {rule.name} was not sent: {fault}")
        except Exception as error:  # noqa: BLE001 - the boundary: what one rule leads to must not end the process
            fault = type(error).__name__
            trace = "".join(traceback.format_exception(error))
            text = f"alert {rule.name} was not sent: {fault}"
            self._services.journal.event("error", "alert.unsent", text, traceback=trace)
        at = 0 if fault else time.time_ns() // 1_000_000
        await self._services.database.write(lambda conn: alerts.note_outcome(conn, rule.id, sent_at=at, fault=fault))


def groups_of(event: Event) -> set[str]:
    """Return the groups that an event belongs to."""
    found = {
        group
        for group, names in GROUPS.items()
        for name in names
        if event.name == name or (name.endswith(".") and event.name.startswith(name) and event.level != "info")
    }
    if event.level == "error":
        found.add("errors")
    return found
