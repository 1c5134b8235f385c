"""A gateway that is ready for use: a provider, a channel to it, a user with a token, and calls through it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import trio

from tests.support.gateway import Gateway, Session, running_gateway
from tests.support.provider import Provider, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from tests.support.engines import FreshDatabase

MODEL = "gpt-4o-mini"
PLENTY = 500_000_000
"""Units; 1,000 USD."""


@dataclass
class World:
    """Everything a test needs to send a request and see what became of it."""

    gateway: Gateway
    provider: Provider
    root: Session
    channel_id: int
    user_id: int
    token: dict[str, Any]
    owner: Session
    """The session of the token's owner."""
    quota: int
    """Units that the owner began with."""
    client: httpx2.AsyncClient

    @property
    def key(self) -> str:
        """The API key."""
        return str(self.token["key"])

    async def chat(self, model: str = MODEL, *, key: str = "", **more: Any) -> httpx2.Response:
        """Ask for an answer in one piece."""
        return await self.client.post(
            "/v1/chat/completions", json=chat_body(model, **more), headers=bearer(key or self.key)
        )

    async def stream(
        self,
        model: str = MODEL,
        *,
        seen: Seen | None = None,
        client: httpx2.AsyncClient | None = None,
        task_status: trio.TaskStatus[Seen] = trio.TASK_STATUS_IGNORED,
        **more: Any,
    ) -> Seen:
        """Ask for a stream and read it to its end, whichever that is; started once the first content is here.

        `seen` is filled while it runs, for tests that cancel it.
        """
        seen = seen if seen is not None else Seen()
        body = chat_body(model, stream=True, **more)
        try:
            async with (client or self.client).stream(
                "POST", "/v1/chat/completions", json=body, headers=bearer(self.key)
            ) as answer:
                seen.status, seen.headers = answer.status_code, answer.headers
                if seen.status != 200:
                    await answer.aread()
                    seen.error = answer.json()["error"]
                    seen.is_whole = True
                    return seen
                rest = b""
                async for data in answer.aiter_raw():
                    *events, rest = (rest + data).split(b"\n\n")
                    for event in events:
                        seen.take(event)
                        if len(seen.pieces) == 1 and not seen.is_started:
                            seen.is_started = True
                            task_status.started(seen)
            seen.is_whole = True
        except httpx2.HTTPError as error:
            seen.broken = f"{type(error).__name__}: {error}"
        finally:
            if not seen.is_started:
                task_status.started(seen)
        return seen

    async def logs(self, count: int, **filters: Any) -> list[dict[str, Any]]:
        """Return the consumption log once it has `count` rows (settling may end a little after the answer)."""
        rows: list[dict[str, Any]] = []
        with trio.move_on_after(10):
            while len(rows) < count:
                rows = await self.root.logs(**filters)
                await trio.sleep(0.02)
        assert len(rows) == count, (len(rows), count, self.gateway.told())
        return rows

    async def assert_charged(self, units: int) -> None:
        """Fail unless user, token and channel all say that exactly `units` were used, and the books balance."""
        user = await self.root.user(self.user_id)
        token = await self.owner.token(self.token["id"])
        channel = await self.root.channel(self.channel_id)
        assert (user["used_quota"], user["quota"]) == (units, self.quota - units)
        assert token["used_quota"] == units
        assert channel["used_quota"] == units
        await self.gateway.assert_books_balance()

    async def log_in_again(self) -> None:
        """Renew the sessions' connections after the gateway was started again."""
        self.root = await self.gateway.login()
        self.owner = await self.gateway.login("alice", "password123")
        self.client = _client(self.gateway)


@dataclass
class Seen:
    """What a client saw of a stream."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    is_done: bool = False
    """`[DONE]` came."""
    error: dict[str, Any] | None = None
    """The error object, of the answer or of a terminal event."""
    is_whole: bool = False
    """The body ended as HTTP wants it."""
    broken: str = ""
    is_started: bool = False

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    def take(self, event: bytes) -> None:
        """Note one event."""
        if not event.startswith(b"data: "):
            return  # a comment
        if event == b"data: [DONE]":
            self.is_done = True
            return
        payload = json.loads(event[6:])
        self.error = payload.get("error", self.error)
        self.usage = payload.get("usage") or self.usage
        for choice in payload.get("choices", ()):
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            if piece := choice.get("delta", {}).get("content"):
                self.pieces.append(piece)


@asynccontextmanager
async def world(
    folder: Path,
    *,
    database: FreshDatabase | None = None,
    env: Mapping[str, object] | None = None,
    models: Sequence[str] = (MODEL,),
    quota: int = PLENTY,
    options: Mapping[str, object] | None = None,
) -> AsyncIterator[World]:
    """Run a provider and a gateway with a channel to it, and a user `alice` with an unlimited token."""
    async with provider() as mock, running_gateway(folder, database=database, env=env) as gateway:
        root = await gateway.login()
        for name, value in (options or {}).items():
            await root.option(name, value)
        channel_id = await root.add_channel(base_url=mock.url, models=list(models))
        user_id = await root.add_user("alice", quota=quota)
        owner = await gateway.login("alice", "password123")
        token = await owner.add_token()
        if int(str((env or {}).get("WORKERS", 1))) > 1 and MODEL in models:
            await _known_to_all(gateway, token["key"])
        yield World(
            gateway=gateway,
            provider=mock,
            root=root,
            channel_id=channel_id,
            user_id=user_id,
            token=token,
            owner=owner,
            quota=quota,
            client=_client(gateway),
        )


async def _known_to_all(gateway: Gateway, key: str) -> None:
    """Wait until every worker has heard of the channel, each a moment after the one that was told."""
    in_a_row = 0
    with trio.fail_after(20):
        while in_a_row < 12:
            async with gateway.client() as client:
                listed = (await client.get("/v1/models", headers=bearer(key))).json().get("data", [])
            in_a_row = in_a_row + 1 if MODEL in {one["id"] for one in listed} else 0


def chat_body(model: str = MODEL, **more: Any) -> dict[str, Any]:
    """Return a chat request."""
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}], **more}


def bearer(key: str) -> dict[str, str]:
    """Return the header that carries an API key."""
    return {"Authorization": f"Bearer {key}"}


def _client(gateway: Gateway) -> httpx2.AsyncClient:
    # Any number at once, each call limited by its test.
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return gateway.client(limits=limits, timeout=60)
