"""The gateway with a channel to each provider, all of them on one mock."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.gateway import Gateway, Session, running_gateway
from tests.support.provider import provider
from tests.support.wires.stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A provider's format, and a channel that speaks it."""

    name: str
    wire: str
    channel_type: int
    model: str
    key: str = "sk-upstream-key"
    config: Mapping[str, Any] | None = None


AWS = {"region": "il-central-1", "ak": "AKIDEXAMPLE", "sk": "wJalrXUtnFEMI"}
"""A region of no geography, whose models have but one id."""
UPSTREAMS = (
    Upstream(name="Chat Completions", wire="chat", channel_type=8, model="gpt-5.1"),
    Upstream(name="Responses", wire="responses", channel_type=1, model="gpt-5.2", config={"api_format": "response"}),
    Upstream(name="Anthropic", wire="claude", channel_type=14, model="claude-haiku-4-5"),
    Upstream(name="Gemini", wire="gemini", channel_type=24, model="gemini-3-pro-preview"),
    Upstream(name="Bedrock", wire="bedrock", channel_type=33, model="claude-opus-4-5", config=AWS),
    Upstream(name="Bedrock Converse", wire="converse", channel_type=33, model="gpt-oss-120b", config=AWS),
)

CALM = {
    # One failure must not keep the next test from being answered.
    "CHANNEL_SUSPEND_SECONDS_FOR_429": 0,
    "CHANNEL_SUSPEND_SECONDS_FOR_5XX": 0,
    "CHANNEL_SUSPEND_SECONDS_FOR_AUTH": 0,
}


@dataclass
class House:
    """What tests use."""

    gateway: Gateway
    stage: Stage
    root: Session
    key: str
    seen: int = 0
    """Records of requests that a test has looked at."""

    @property
    def url(self) -> str:
        return self.gateway.url


@asynccontextmanager
async def house(folder: Path, upstreams: tuple[Upstream, ...] = UPSTREAMS) -> AsyncIterator[House]:
    """Run a mock and a gateway until the block ends."""
    stage = Stage()
    async with provider() as mock, running_gateway(folder, env=CALM) as gateway:
        mock.responder = stage.answer
        root = await gateway.login()
        for upstream in upstreams:
            await root.add_channel(
                base_url=f"{mock.url}/{upstream.wire}",
                models=[upstream.model],
                name=upstream.name,
                type=upstream.channel_type,
                key=upstream.key,
                config=json.dumps(dict(upstream.config or {})),
            )
        token = await root.add_token()
        yield House(gateway=gateway, stage=stage, root=root, key=token["key"])
