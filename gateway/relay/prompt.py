"""How many tokens a prompt has, as far as that is known before a provider is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.counting.rough import rough_tokens
from gateway.relay.endpoints import Kind
from gateway.relay.vectors import embedding_of

if TYPE_CHECKING:
    from gateway.counting.counter import Counter
    from gateway.relay.state import Relay

_ROUGH = {
    Kind.MESSAGES: ("messages", "system", "tools"),
    Kind.RESPONSES: ("input", "instructions", "prompt", "tools"),
    Kind.GENERATE: ("contents", "systemInstruction", "system_instruction", "tools"),
}


async def prompt_tokens(relay: Relay, counter: Counter) -> int:
    """Return the tokens of the request's prompt: counted for OpenAI's older formats, estimated for the others."""
    kind, body = relay.endpoint.kind, relay.body
    if not relay.endpoint.has_prompt:
        return 0
    if kind in _ROUGH:
        return rough_tokens(*(body.any(name) for name in _ROUGH[kind] if name in body))
    asked = body.any(relay.endpoint.required)
    if kind is Kind.EMBEDDINGS and relay.endpoint.envelope is not None:
        asked = list(embedding_of(relay).inputs)
    if kind is Kind.RERANK:
        documents = body.any("documents")
        asked = [asked, *_texts(documents if isinstance(documents, list) else [])]
    return await counter.count_request(
        kind.value,
        relay.sent_model,
        asked,
        approximate=relay.snapshot.options.flag("ApproximateTokenEnabled"),
    )


def _texts(documents: list[object]) -> list[object]:
    """Return what there is to read in documents to be ranked: texts, or objects that hold one."""
    return [document.get("text") if isinstance(document, dict) else document for document in documents]


def output_limit(relay: Relay) -> int | None:
    """Return the client's own limit on the answer. Raises `Invalid` for one that makes no sense."""
    if relay.endpoint.kind is Kind.GENERATE:
        config = relay.body.any("generationConfig")
        limit = config.get("maxOutputTokens") if isinstance(config, dict) else None
        return limit if isinstance(limit, int) and limit > 0 else None
    return relay.body.output_limit(relay.endpoint.output_limits)
