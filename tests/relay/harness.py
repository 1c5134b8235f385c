"""A relay plane on a clock that jumps: a scripted transport below, an in-memory client above, books in a dict.

Real sockets, threads and databases have tests of their own; what is held here is what a relay does with time,
failures and money, to the second and to the unit.
"""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

import trio

from adapters.providers.catalogue import load_catalogue
from adapters.transport.types import ConnectFailed, HeadTimeout, ResponseBroken
from adapters.wires.table import make_wires
from adapters.wires.tokens import TokenKeeper
from adapters.wires.wired import Wires
from gateway.budgets.count import Counts
from gateway.budgets.index import BudgetIndex
from gateway.budgets.ledger import BudgetedLedger
from gateway.cluster.local import LocalBus, LocalWindows
from gateway.cluster.subscriptions import Subscriptions
from gateway.config.settings import Settings
from gateway.counting.requests import countable_request
from gateway.ledger.types import TokenExhausted, UserExhausted
from gateway.lifecycle_types import Phase
from gateway.recordings.recording import NoMessages
from gateway.registry.key_states import KeyFailure, KeyStates
from gateway.registry.options import Options
from gateway.registry.snapshot import Snapshot
from gateway.registry.suspensions import Suspensions
from gateway.relay.health import ChannelHealth
from gateway.relay.plane import RelayPlane
from gateway.relay.retry import RetryBudget
from gateway.relay.running import Running
from gateway.relay.shadow.copies import CopyDeps
from gateway.relay.shadow.shadows import Shadows
from gateway.relay.signed.book import SignatureBook
from gateway.relay.stored.book import ResponseBook
from gateway.relay.stored.responses import Responses
from gateway.relay.stored.settler import BackgroundCharges, Settler
from gateway.relay.supervisor import RelayDeps
from storage.errors import DatabaseUnavailable, Rejected
from storage.records import Token, User
from storage.repositories.relay_reads import Account
from tests.relay.signatures_in_memory import MemorySignatures
from tests.relay.views import channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from adapters.formats.neutral.requests import Request
    from adapters.transport.types import UpstreamRequest
    from gateway.ledger.types import Reservation, Settlement
    from gateway.recordings.recording import Messages
    from gateway.registry.snapshot import ChannelView
    from storage.repositories.budgets import Budget
    from storage.repositories.requests import FailedAttempt, FinishedRequest
    from storage.repositories.responses import StoredResponse
    from storage.repositories.shadows import ShadowResult, ShadowTest


@dataclass
class Reply:
    """What a provider does: pauses are floats (seconds), pieces bytes; `ends` is how the body ends."""

    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"text/event-stream"),)
    pieces: list[bytes | float] = field(default_factory=list)
    head_after: float = 0.0
    ends: str = "well"
    closed: bool = False

    async def receive_some(self) -> bytes:
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, bytes):
                await trio.lowlevel.checkpoint()
                return piece
            await trio.sleep(piece)
        if self.ends == "cut":
            raise ResponseBroken("cut")
        if self.ends == "silent":
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return b""

    async def aclose(self) -> None:
        self.closed = True


def delta(text: str) -> bytes:
    """One chunk of a chat stream with `text`."""
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def usage(prompt: int, completion: int) -> bytes:
    """The usage chunk."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return b"data: " + json.dumps({"choices": [], "usage": counts}).encode() + b"\n\n"


def answer(text: str = "hi", prompt: int = 10, completion: int = 5) -> Reply:
    """A whole chat answer."""
    body = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
    }
    return Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    """An error answer."""
    named = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Reply(
        status=status,
        headers=((b"content-type", b"application/json"), *named),
        pieces=[json.dumps({"error": {"message": message, "type": "t", "code": "c"}}).encode()],
    )


class Remembered:
    """Keeps how relays ended, newest last."""

    def __init__(self) -> None:
        self.rows: list[FinishedRequest] = []

    def note(self, request: FinishedRequest, failures: Sequence[FailedAttempt]) -> None:
        del failures
        self.rows.append(request)


class Transport:
    """Answers requests from a script, in order; remembers them."""

    def __init__(self) -> None:
        self.script: deque[Reply | Exception] = deque()
        self.requests: list[UpstreamRequest] = []
        self.bodies: list[bytes] = []
        self.responder: Callable[[UpstreamRequest], Reply] | None = None
        """Answers what no script is for."""

    async def send(self, request: UpstreamRequest) -> Reply:
        self.requests.append(request)
        body = request.body
        if not isinstance(body, bytes):
            source, body = body, b""
            while len(body) < source.size:
                body += await source.read_at(len(body), 1 << 16)
        self.bodies.append(body)
        reply = self.script.popleft() if self.script or self.responder is None else self.responder(request)
        if isinstance(reply, Exception):
            raise reply
        if request.stepped is not None:
            request.stepped("reused")
        with trio.move_on_after(request.head_timeout_s) as scope:
            await trio.sleep(reply.head_after)
        if scope.cancelled_caught:
            raise HeadTimeout("late")
        return reply


class Books:
    """The ledger's promises in two numbers."""

    def __init__(self, user: int, token: int) -> None:
        self.user = user
        self.token = token
        self.held: dict[str, Reservation] = {}
        self.units: dict[str, int] = {}
        self.settled: list[Settlement] = []
        self.amended: list[int] = []
        self.left: list[str] = []

    async def reserve(self, reservation: Reservation) -> None:
        await trio.lowlevel.checkpoint()
        self._take(reservation.units, limited=reservation.token_limited)
        self.held[reservation.request_id] = reservation
        self.units[reservation.request_id] = reservation.units

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        await trio.lowlevel.checkpoint()
        self._take(add_units, limited=self.held[request_id].token_limited)
        self.units[request_id] += add_units
        self.amended.append(channel_id)

    def leave(self, request_id: str) -> None:
        self.left.append(request_id)

    async def settle(self, settlement: Settlement) -> None:
        reservation = self.held.pop(settlement.request_id)  # a second settlement would raise
        back = self.units.pop(settlement.request_id) - settlement.units
        self.user += back
        if reservation.token_limited:
            self.token += back
        self.settled.append(settlement)
        await trio.lowlevel.checkpoint()

    def _take(self, units: int, *, limited: bool) -> None:
        if self.user < units:
            raise UserExhausted(needed_units=units)
        if limited and self.token < units:
            raise TokenExhausted(needed_units=units)
        self.user -= units
        if limited:
            self.token -= units


class Accounts:
    def __init__(self, account: Account) -> None:
        self.account = account
        self.marked: list[tuple[int, int]] = []
        self._stored: Token | None = None

    async def by_key(self, key: str) -> Account | None:
        return self.account if key == self.account.token.key else None

    def reads(self, **values: object) -> None:
        """The token reads so once it is read anew."""
        self._stored = replace(self.account.token, **values)  # type: ignore[arg-type]

    def forget_token(self, token_id: int) -> None:
        if self._stored is not None:
            self.account = replace(self.account, token=self._stored)

    async def mark_token(self, token_id: int, status: int) -> None:
        self.marked.append((token_id, status))


class Registry:
    def __init__(self, snapshot: Snapshot) -> None:
        self.current = snapshot
        self.suspensions = Suspensions()
        self.keys = KeyStates()
        self.failures: list[KeyFailure] = []
        self.used_again: list[int] = []
        self.disabled: list[int] = []

    async def suspend(self, suspension: object) -> None:
        await trio.lowlevel.checkpoint()

    async def fail_key(self, failure: KeyFailure) -> bool:
        self.failures.append(failure)
        return failure.bad

    async def use_key(self, channel_id: int, key_id: int) -> None:
        self.used_again.append(key_id)
        self.keys.forget(key_id)

    async def auto_disable(self, channel_id: int, why: str) -> bool:
        self.disabled.append(channel_id)
        return True


class Counter:
    """One token a word."""

    async def count_request(self, kind: str, model: str, value: object, *, approximate: bool = False) -> int:
        return len(json.dumps(value).split())

    async def count_chat(self, model: str, request: Request, *, approximate: bool = False) -> int:
        return len(" ".join(countable_request(request, model).texts).split())

    async def count_text(self, model: str, text: str, *, approximate: bool = False) -> int:
        return len(text.split())


class Images:
    def __init__(self, known: dict[str, str]) -> None:
        self.known = known

    async def data_url(self, url: str) -> str | None:
        await trio.lowlevel.checkpoint()
        return self.known.get(url)

    async def picture(self, url: str) -> bytes | None:
        await trio.lowlevel.checkpoint()
        known = self.known.get(url)
        return None if known is None else known.encode("latin-1")


class Kept:
    """Responses in a dict, as the database keeps them."""

    def __init__(self) -> None:
        self.rows: dict[str, StoredResponse] = {}
        self.broken = False
        self.refused: set[str] = set()
        """Ids that the database does not take."""

    async def put(self, stored: Sequence[StoredResponse]) -> None:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise DatabaseUnavailable("away")
        if any(one.response_id in self.refused for one in stored):
            raise Rejected("not taken")
        self.rows |= {one.key: one for one in stored}

    async def find(self, key: str) -> StoredResponse | None:
        await trio.lowlevel.checkpoint()
        return self.rows.get(key)

    async def forget(self, key: str) -> None:
        await trio.lowlevel.checkpoint()
        self.rows.pop(key, None)

    async def due(self, *, now_ms: int, limit: int) -> list[StoredResponse]:
        await trio.lowlevel.checkpoint()
        return [one for one in self.rows.values() if one.ask_at is not None and one.ask_at <= now_ms][:limit]

    async def put_off(self, stored: StoredResponse, *, until_ms: int) -> bool:
        await trio.lowlevel.checkpoint()
        self.rows[stored.key] = replace(stored, ask_at=until_ms)
        return True

    async def charged(self, key: str) -> None:
        await trio.lowlevel.checkpoint()
        if key in self.rows:
            self.rows[key] = replace(self.rows[key], ask_at=None, pending="")


class KeptCopies:
    """How copies went, and the totals of their tests, as the database keeps them."""

    def __init__(self) -> None:
        self.tests: dict[int, ShadowTest] = {}
        self.results: list[ShadowResult] = []
        self.dropped = 0
        self.broken = False

    async def note(self, result: ShadowResult, *, dropped: int) -> ShadowTest | None:
        await trio.lowlevel.checkpoint()
        if self.broken:
            raise DatabaseUnavailable("away")
        self.results.append(result)
        self.dropped += dropped
        test = self.tests[result.test_id]
        test = replace(test, copies=test.copies + 1, units=test.units + result.list_units)
        self.tests[test.id] = test
        return test


class Journal:
    def __init__(self) -> None:
        self.relays: list[object] = []
        self.events: list[tuple[str, str]] = []

    def relay(self, summary: object) -> None:
        self.relays.append(summary)

    def event(self, level: str, name: str, message: str, **fields: object) -> None:
        self.events.append((name, message))


@dataclass
class Got:
    """What the client received."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False
    at: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def json(self) -> dict[str, object]:
        value: dict[str, object] = json.loads(self.body)
        return value

    @property
    def error(self) -> dict[str, object]:
        value = self.json["error"]
        assert isinstance(value, dict)
        return value


class Plane:
    """The relay plane with everything around it."""

    def __init__(self, *, channels: list[ChannelView], options: dict[str, str], books: Books, settings: Settings,
                 token: Token, user: User, images: dict[str, str], messages: Messages) -> None:  # fmt: skip
        self.books = books
        self.ahead_ms = 0
        self.transport = Transport()
        self.tokens = TokenKeeper()
        self.running = Running()
        self.journal = Journal()
        self.phase = Phase()
        self.accounts = Accounts(Account(token, user))
        serving: dict[tuple[str, str], tuple[ChannelView, ...]] = {}
        for view in channels:
            for model in view.models:
                for group in view.groups:
                    serving[group, model] = (*serving.get((group, model), ()), view)
        self.registry = Registry(
            Snapshot(channels={c.id: c for c in channels}, serving=serving, options=Options.from_rows(options))
        )
        self.counts = Counts()
        self.now_s = 1_800_000_000.0
        ledger = BudgetedLedger(
            books,
            registry=self.registry,
            counts=self.counts,
            now=lambda: self.now_s,  # type: ignore[arg-type]
        )
        self.health = ChannelHealth(registry=self.registry, settings=settings, journal=self.journal)  # type: ignore[arg-type]
        catalogue = load_catalogue()
        wires = Wires(self.transport, self.tokens, make_wires(self.tokens))
        self.kept = Kept()
        self.responses = ResponseBook(self.kept, journal=self.journal)
        charges = BackgroundCharges(
            self.responses,
            ledger=ledger,
            prices=catalogue.prices,
            wires=wires,
            settings=settings,
            journal=self.journal,
            now_ms=lambda: time.time_ns() // 1_000_000 + self.ahead_ms,
        )
        self.settler = Settler(self.responses, charges, registry=self.registry, journal=self.journal)  # type: ignore[arg-type]
        self.signatures = SignatureBook(MemorySignatures(), journal=self.journal, hours=1)
        self.remembered = Remembered()
        self.copies = KeptCopies()
        self.shadows = Shadows(
            CopyDeps(
                settings=settings,
                prices=catalogue.prices,
                counter=Counter(),  # type: ignore[arg-type]
                transport=self.transport,
                wires=wires,
                journal=self.journal,
            ),
            store=self.copies,
            registry=self.registry,  # type: ignore[arg-type]
            phase=self.phase,
            rng=Random(2),
            journal=self.journal,
        )
        deps = RelayDeps(
            settings=settings,
            registry=self.registry,  # type: ignore[arg-type]
            accounts=self.accounts,  # type: ignore[arg-type]
            ledger=ledger,
            budgets=ledger,
            prices=catalogue.prices,
            counter=Counter(),  # type: ignore[arg-type]
            transport=self.transport,
            wires=wires,
            images=Images(images),
            windows=LocalWindows(),
            health=self.health,
            budget=RetryBudget(),
            running=self.running,
            journal=self.journal,
            rng=Random(1),
            responses=Responses(self.responses, charges),
            signatures=self.signatures,
            recorder=self.remembered,
            messages=messages,
            shadows=self.shadows,
        )
        self.bus = LocalBus(Subscriptions(self.journal))
        self.app = RelayPlane(_behind, deps=deps, catalogue=catalogue, phase=self.phase, trusted_proxies=())

    def later(self, *, minutes: int) -> None:
        """Put the wall clock of background responses forward."""
        self.ahead_ms += minutes * 60_000

    def limit(self, *budgets: Budget) -> None:
        """Have these budgets from now on."""
        self.registry.current = replace(self.registry.current, budgets=BudgetIndex(budgets))

    async def ask(self, body: object = None, *, path: str = "/v1/chat/completions", method: str = "POST",
                  key: str = "k", headers: dict[str, str] | None = None, leave: trio.Event | None = None,
                  got: Got | None = None, reads: trio.Event | None = None) -> Got:  # fmt: skip
        """Send one request and return what came back; the client leaves when `leave` is set, and reads at `reads`."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        got = got or Got()
        messages = deque([{"type": "http.request", "body": raw, "more_body": False}])
        over = trio.Event()

        async def receive() -> dict[str, object]:
            if messages:
                return messages.popleft()
            if leave is None:
                await over.wait()
            else:
                await leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            await trio.lowlevel.checkpoint()
            if reads is not None:
                await reads.wait()
            if message["type"] == "http.response.start":
                got.status = message["status"]  # type: ignore[assignment]
                got.headers = {n.decode(): v.decode() for n, v in message["headers"]}  # type: ignore[attr-defined]
            else:
                got.body += message["body"]  # type: ignore[operator]
                got.at.append((trio.current_time(), message["body"]))  # type: ignore[arg-type]
                got.complete = not message.get("more_body", False)
                if got.complete:
                    over.set()

        named = {"authorization": f"Bearer sk-{key}", "content-type": "application/json"} | (headers or {})
        scope = {
            "type": "http", "method": method, "path": path.partition("?")[0], "raw_path": path.encode(),
            "query_string": path.partition("?")[2].encode(), "client": ("127.0.0.1", 5000),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }  # fmt: skip
        await self.app(scope, receive, send)  # type: ignore[arg-type]
        return got


async def _behind(scope: object, receive: object, send: object) -> None:
    raise AssertionError("not for the relay plane")


@asynccontextmanager
async def plane(
    *, channels: list[ChannelView] | None = None, options: dict[str, str] | None = None, user_quota: int = 10**9,
    token: dict[str, object] | None = None, settings: dict[str, object] | None = None,
    images: dict[str, str] | None = None, role: int = 1, messages: Messages | None = None,
) -> AsyncIterator[Plane]:  # fmt: skip
    """A plane whose channel health runs. With `messages` the token has its messages recorded there."""
    values = {"id": 7, "user_id": 3, "key": "k", "name": "tok", "unlimited_quota": True} | (token or {})
    made = Plane(
        channels=channels or [channel(1)],
        options=options or {},
        books=Books(user_quota, int(values.get("remain_quota", 0))),  # type: ignore[call-overload]
        settings=Settings(**(settings or {})),  # type: ignore[arg-type]
        token=Token(**values),  # type: ignore[arg-type]
        user=User(id=3, username="ann", role=role),
        images=images or {},
        messages=messages or NoMessages(),
    )
    made.accounts.account = replace(made.accounts.account, records=messages is not None)
    async with trio.open_nursery() as nursery:
        await nursery.start(made.health.run)
        await nursery.start(made.responses.run)
        await nursery.start(made.shadows.run)
        yield made
        nursery.cancel_scope.cancel()


UNREACHABLE = ConnectFailed("no")
