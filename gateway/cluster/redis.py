"""Bus and windows over Redis, for several machines, and what becomes of them when Redis does not answer.

Everything goes through a session: one client, one subscription, one publisher, and a heartbeat that has to come
round. Whatever fails or is late ends the session as a whole; until the next one stands, windows are local and
messages wait in the outbox. So a server that is dead, frozen, read-only or full is one case, and no
half-broken connection is used again.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.cluster.fallback import Fallback
from gateway.cluster.subscriptions import GAP
from gateway.groups import innermost

if TYPE_CHECKING:
    from collections.abc import Callable

    import coredis
    from coredis.commands.script import Script
    from coredis.patterns.pubsub import PubSub

    from gateway.cluster.redis_address import RedisAddress
    from gateway.cluster.subscriptions import Subscriptions
    from gateway.observe.types import Journal

# Seconds. A relay waits for a window, so little; the rest happens beside the relays.
HIT_LIMIT_S: Final = 0.3
COMMAND_LIMIT_S: Final = 3.0
HEARTBEAT_S: Final = 5.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 15.0
# Messages. Those that do not fit while Redis is away are made up for by the gap that follows.
OUTBOX: Final = 1024

# The list holds the times of the last `limit` events that were allowed, so that one look at the oldest decides;
# the server's clock, because those of the machines differ. One round trip, and a constant amount of work. With a
# third argument it only looks.
_HIT: Final = """
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if redis.call('LLEN', KEYS[1]) >= limit then
  if now - tonumber(redis.call('LINDEX', KEYS[1], -limit)) < window then return 0 end
  if ARGV[3] then return 1 end
  redis.call('LTRIM', KEYS[1], -limit, -1)
  redis.call('LPOP', KEYS[1])
end
if ARGV[3] then return 1 end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return 1
"""


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    sender: str
    topic: str
    """Empty for a heartbeat."""
    payload: str


@dataclass(slots=True, eq=False)
class _Session:
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    script: Script[str] | None = None
    heard_itself: bool = False
    reason: str = ""

    def fail(self, reason: str) -> None:
        """End the session; the first reason stays."""
        self.reason = self.reason or reason
        self.scope.cancel()


class RedisCluster:
    """Implements `Bus`, `Windows` and `Service`.

    `namespace` begins every key and channel; channels have the number of the database as well.
    """

    def __init__(
        self,
        address: RedisAddress,
        subscriptions: Subscriptions,
        journal: Journal,
        *,
        namespace: str = "one-api",
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._address = address
        self._subscriptions = subscriptions
        self._prefix = f"{namespace}:window:"
        self._channel = f"{namespace}:{address.database}:bus"
        self._heartbeat_s = heartbeat_s
        self._sender = token_hex(8)
        self._outbox: deque[_Envelope] = deque()
        self._has_mail = trio.Event()
        self._is_empty = trio.Event()
        self._session: _Session | None = None
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(_Envelope)
        self.fallback = Fallback(journal, store="Redis")

    @property
    def is_connected(self) -> bool:
        """Whether Redis answers, as far as is known."""
        return self._session is not None

    def publish(self, topic: str, payload: str) -> None:
        """See `gateway.cluster.types.Bus`. Handlers of this process are called before it returns."""
        self._subscriptions.dispatch(topic, payload)
        self._post(topic, payload)

    def subscribe(self, topic: str, handler: Callable[[str], None]) -> None:
        """See `gateway.cluster.types.Bus`. The topic `gap` is heard after each outage."""
        self._subscriptions.add(topic, handler)

    async def wait_s(self, key: str, *, limit: int, window_s: float) -> float:
        """See `gateway.cluster.types.Windows`. The bound: nobody asks the store for what only a message says."""
        return window_s

    async def hit(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`."""
        found = await self._asked(key, [limit, round(window_s * 1_000_000)]) if limit > 0 else True
        return self.fallback.hit(key, limit=limit, window_s=window_s) if found is None else found

    async def has_room(self, key: str, *, limit: int, window_s: float) -> bool:
        """See `gateway.cluster.types.Windows`."""
        found = await self._asked(key, [limit, round(window_s * 1_000_000), "look"]) if limit > 0 else True
        return self.fallback.has_room(key, limit=limit, window_s=window_s) if found is None else found

    async def _asked(self, key: str, arguments: list[str | int]) -> bool | None:
        """Return what the script says, `None` when Redis does not answer."""
        session = self._session
        if session is not None and session.script is not None:
            try:
                with trio.move_on_after(HIT_LIMIT_S):
                    return bool(await session.script([self._prefix + key], arguments))
                reason = "no answer in time"
            except Exception as error:  # noqa: BLE001 - the rule: no way in which Redis fails may refuse a request
                reason = str(error) or type(error).__name__
            session.fail(reason)
            self._leave(session)
        return None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep a session until cancelled. Ready after the first attempt, whether Redis answered or not."""
        pause_s = FIRST_PAUSE_S
        # None before the first session: Redis has confirmed its subscription when this is ready, and whoever caches
        # reads after that. An attempt that failed, also the first, leaves one for the session that follows.
        has_gap = False

        def entered(session: _Session) -> None:
            nonlocal pause_s, has_gap
            pause_s = FIRST_PAUSE_S
            self._session = session
            self.fallback.end()
            if has_gap:
                self._subscriptions.dispatch(GAP, "redis")

        ready: Callable[[], None] | None = task_status.started
        while True:
            async with trio.open_nursery() as nursery:
                session = _Session()
                await nursery.start(self._hold, session, entered)
                if ready is not None:
                    ready()
                    ready = None
            self._leave(session)
            has_gap = True
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def aclose(self) -> None:
        """Give the last messages a moment to leave."""
        if self._outbox and self._session is not None:
            with trio.move_on_after(COMMAND_LIMIT_S):
                await self._is_empty.wait()

    async def _hold(
        self, session: _Session, entered: Callable[[_Session], None], *, task_status: trio.TaskStatus[None]
    ) -> None:
        """Open a session and hold it until it fails."""
        is_started = False
        try:
            with session.scope:
                session.scope.deadline = trio.current_time() + COMMAND_LIMIT_S
                async with self._address.connect() as client:
                    session.script = client.register_script(_HIT)
                    await client.script_load(_HIT)
                    async with client.pubsub(
                        channels=[self._channel], ignore_subscribe_messages=True, retry_policy=None
                    ) as messages:
                        session.scope.deadline = math.inf
                        entered(session)
                        is_started = True
                        task_status.started()
                        async with trio.open_nursery() as nursery:
                            nursery.start_soon(self._listen, session, messages)
                            nursery.start_soon(self._send, session, client)
                            nursery.start_soon(self._beat, session)
        except* Exception as errors:  # noqa: BLE001 - the rule: no way in which Redis fails may end the process
            session.fail(_first_reason(errors))
        session.fail("no answer in time")
        if not is_started:
            task_status.started()

    async def _listen(self, session: _Session, messages: PubSub[str]) -> None:
        async for message in messages:
            try:
                envelope = self._decoder.decode(str(message["data"]))
            except msgspec.DecodeError:
                continue  # not one of ours
            if envelope.sender != self._sender:
                self._subscriptions.dispatch(envelope.topic, envelope.payload)
            elif not envelope.topic:
                session.heard_itself = True
        session.fail("the subscription ended")

    async def _send(self, session: _Session, client: coredis.Redis[str]) -> None:
        while True:
            self._has_mail = trio.Event()
            while self._outbox:
                envelope = self._outbox[0]
                text = self._encoder.encode(envelope).decode()
                with trio.move_on_after(COMMAND_LIMIT_S) as limit:
                    await client.publish(self._channel, text)
                if limit.cancelled_caught:
                    session.fail("no answer in time")
                    return
                if self._outbox and self._outbox[0] is envelope:
                    self._outbox.popleft()
            self._is_empty.set()
            await self._has_mail.wait()

    async def _beat(self, session: _Session) -> None:
        """End the session when a message to ourselves does not come round: nothing else tells a frozen server."""
        while True:
            session.heard_itself = False
            self._post("", "")
            await trio.sleep(self._heartbeat_s)
            if not session.heard_itself:
                session.fail("no heartbeat")
                return

    def _post(self, topic: str, payload: str) -> None:
        if len(self._outbox) >= OUTBOX:
            # Whoever would have heard of so many changes had better read everything again.
            self._outbox.clear()
            self._outbox.append(_Envelope(self._sender, GAP, "overflow"))
        if self._is_empty.is_set():
            self._is_empty = trio.Event()
        self._outbox.append(_Envelope(self._sender, topic, payload))
        self._has_mail.set()

    def _leave(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        self.fallback.begin(session.reason)


def _first_reason(error: BaseException) -> str:
    error = innermost(error)
    return str(error) or type(error).__name__
