"""Errors that call somebody: the alert service of `LOG_PUSH_API`.

That service speaks GraphQL and takes one mutation with three texts, sent as JSON, which any other webhook can read
as well. Pushing is best effort: few alerts are kept, few are sent in a minute, and what was left out is counted in
the next one. A failing service is not reported as an error, or it would call for itself.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import httpx2
import trio

if TYPE_CHECKING:
    from gateway.observe.records import Event
    from gateway.observe.redact import Redactor

CAPACITY = 100
PER_MINUTE = 10
SEND_LIMIT_S = 10.0
LAST_LIMIT_S = 3.0
"""How long the end of the program waits for alerts that are still to be sent."""
LONGEST_MESSAGE = 2_000
"""Characters; messengers behind such services cut at some thousand."""

_MUTATION = (
    "mutation ($type: String!, $token: String!, $msg: String!) "
    "{ TelegramMonitorAlert(type: $type, token: $token, msg: $msg) { name } }"
)


class AlertPusher:
    """Sends error events to the alert service, from a task of its own."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        kind: str,
        token: str,
        redactor: Redactor,
        per_minute: int = PER_MINUTE,
    ) -> None:
        self._client = client
        self._url = url
        self._kind = kind
        self._token = token
        self._redactor = redactor
        self._gap_s = 60 / per_minute
        self._allowance = float(per_minute)
        self._burst = float(per_minute)
        self._waiting: deque[Event] = deque()
        self._trio_token: trio.lowlevel.TrioToken | None = None
        self._wake = trio.Event()
        self._sending = False
        self._sent = trio.Event()
        self.left_out = 0
        """Alerts that were never sent, since the start."""
        self._told_left_out = 0

    def offer(self, event: Event) -> None:
        """Keep `event` for sending if there is room. Never waits, never raises; callable from any thread."""
        if len(self._waiting) >= CAPACITY:
            self.left_out += 1
            return
        self._waiting.append(event)
        if self._trio_token is not None:
            try:
                self._trio_token.run_sync_soon(self._set_wake, idempotent=True)
            except trio.RunFinishedError:
                return  # Nobody is left to send it.

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send alerts until cancelled. Ready at once."""
        self._trio_token = trio.lowlevel.current_trio_token()
        task_status.started()
        refilled_at = trio.current_time()
        while True:
            while not self._waiting:
                self._wake = trio.Event()
                if not self._waiting:
                    await self._wake.wait()
            now = trio.current_time()
            self._allowance = min(self._burst, self._allowance + (now - refilled_at) / self._gap_s)
            refilled_at = now
            if self._allowance < 1:
                await trio.sleep((1 - self._allowance) * self._gap_s)
                continue
            self._allowance -= 1
            self._sending = True
            await self._send(self._waiting.popleft())
            self._sending = False
            self._sent.set()
            self._sent = trio.Event()

    async def aclose(self) -> None:
        """Send what waits, within `LAST_LIMIT_S`: the errors of a bad end are the ones that matter. `run` goes on."""
        with trio.move_on_after(LAST_LIMIT_S):
            while self._waiting or self._sending:
                await self._sent.wait()

    async def _send(self, event: Event) -> None:
        body = {
            "query": _MUTATION,
            "variables": {"type": self._kind, "token": self._token, "msg": self._message(event)},
        }
        with trio.move_on_after(SEND_LIMIT_S) as limit:
            try:
                answer = await self._client.post(self._url, json=body)
            except httpx2.HTTPError:
                self.left_out += 1
            else:
                self.left_out += answer.is_error
        self.left_out += limit.cancelled_caught

    def _message(self, event: Event) -> str:
        details = "\n".join([f"{name}: {value}" for name, value in self._redactor.fields(event.fields).items()])
        moment = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(event.at_s))
        text = f"{moment} {event.name}\n{self._redactor.text(event.message)}\n{details}".rstrip()[:LONGEST_MESSAGE]
        missed, self._told_left_out = self.left_out - self._told_left_out, self.left_out
        return f"{text}\n({missed} alerts before this one were not sent)" if missed else text

    def _set_wake(self) -> None:
        self._wake.set()
