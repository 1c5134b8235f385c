"""Embeddings between the forms of clients and providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.embedders import EMBED_CLIENTS, EMBEDDERS, OPENAI
from adapters.formats.errors import FormatError
from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from adapters.formats.embedders import EmbedClient, Embedder
    from adapters.formats.embeddings import EmbeddingRequest
    from adapters.providers.provider import Provider
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.state import Relay

_OPENAI, _GEMINI = "openai_chat", "gemini"


def client_of(endpoint: Endpoint) -> EmbedClient:
    """Return the form in which the client of `endpoint` asks for vectors and gets them."""
    return EMBED_CLIENTS[endpoint.envelope or _OPENAI]


def embedder_for(endpoint: Endpoint, row: Provider) -> Embedder | None:
    """Return how `row` is asked for vectors; `None`: as the client asks, bytes pass."""
    form = row.vectors or row.format
    if endpoint.envelope == _GEMINI:
        return None if form == _GEMINI else EMBEDDERS.get(form, OPENAI)
    return EMBEDDERS.get(form)


def embedding_of(relay: Relay) -> EmbeddingRequest:
    """Return what the client wants embedded. Raises `Invalid`."""
    if relay.embedding is None:
        try:
            relay.embedding = client_of(relay.endpoint).decode(relay.body.raw, model=relay.model)
        except FormatError as error:
            raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    return relay.embedding


def renamed(relay: Relay, sent_model: str) -> dict[str, object | None]:
    """Return the members of a Gemini client's request that name the model, as its own provider knows it."""
    if sent_model == relay.model:
        return {}
    name = f"models/{sent_model}"
    asked = relay.body.any("requests")
    if isinstance(asked, list):
        return {"requests": [{**one, "model": name} if isinstance(one, dict) else one for one in asked]}
    return {"model": name} if "model" in relay.body else {}
