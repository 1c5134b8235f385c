"""The question that a channel test asks, and reading the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from adapters.formats import openai_chat
from adapters.providers.urls import upstream_url
from adapters.transport.types import TransportError, UpstreamRequest
from gateway.relay.errors import UpstreamFailed
from gateway.relay.failures import refusal
from gateway.relay.outgoing import USER_AGENT, credential

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services

_ENDPOINT = "chat_completions"
# A test is one short question; whoever needs longer than this is of no use to a relay either.
LIMIT_S = 60.0
LONGEST_TEXT = 2000
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a test went. `text` is the answer, or what went wrong."""

    passed: bool
    text: str
    model: str
    seconds: float
    may_disable: bool = False
    """The failure proves that the channel's key or account is at fault."""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def cheapest(services: Services, view: ChannelView) -> str:
    """Return the channel's model that costs least; of equal ones the first by name."""
    prices = services.catalogue.prices

    def price(model: str) -> tuple[object, str]:
        sent = view.upstream_model(model)
        rates = prices.resolve(view.type, sent, view.model_configs.get(sent)).rates
        return rates.ratio * (1 + rates.completion_ratio), model

    return min(view.models, key=price)


async def ask(services: Services, view: ChannelView, asked: str) -> Outcome:
    """Ask the provider of a channel for a short completion.

    Raises `UpstreamFailed`, and `UrlError` or `SignedRequests` for a channel that cannot be asked this way.
    """
    settings = services.settings
    provider = view.provider
    if not provider.serves(_ENDPOINT):
        raise UpstreamFailed(f"channels of type {provider.name} cannot be tested with a chat completion", status=400)
    sent = view.upstream_model(asked)
    limit_name = "max_completion_tokens" if provider.wants_max_completion_tokens(sent) else "max_tokens"
    body = {
        "model": sent,
        "messages": [{"role": "user", "content": settings.test_prompt}],
        limit_name: settings.test_max_tokens,
    }
    request = UpstreamRequest(
        method="POST",
        url=upstream_url(provider, view.base_url, _ENDPOINT, sent, view.config),
        headers=((b"content-type", b"application/json"), USER_AGENT, *credential(view)),
        body=msgspec.json.encode(body),
        connect_timeout_s=settings.connect_timeout_sec or LIMIT_S,
        head_timeout_s=LIMIT_S,
        idle_timeout_s=LIMIT_S,
    )
    try:
        response = await services.transport.send(request)
        try:
            if not 200 <= response.status < 300:
                raise await refusal(response, openai_chat.read_error)
            content = bytearray()
            while data := await response.receive_some():
                content += data
                if len(content) > _MOST_BYTES:
                    raise UpstreamFailed("the provider's answer is too large")
        finally:
            await response.aclose()
    except TransportError as error:
        raise UpstreamFailed(str(error) or "the provider could not be reached") from error
    return _read_answer(bytes(content), asked)


class _Message(msgspec.Struct):
    content: object = None


class _Choice(msgspec.Struct):
    message: _Message = msgspec.field(default_factory=_Message)


class _Tokens(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list)
    usage: _Tokens | None = None


def _read_answer(body: bytes, model: str) -> Outcome:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as error:
        raise UpstreamFailed("the provider's answer cannot be read") from error
    if not answer.choices:
        raise UpstreamFailed("the provider's answer holds no text")
    content = answer.choices[0].message.content
    tokens = answer.usage or _Tokens()
    return Outcome(
        passed=True,
        text=(content if isinstance(content, str) else "")[:LONGEST_TEXT],
        model=model,
        seconds=0.0,
        prompt_tokens=max(tokens.prompt_tokens, 0),
        completion_tokens=max(tokens.completion_tokens, 0),
    )
