"""What formats and endpoints are called: one name each on all pages, and a short one for tags."""

from __future__ import annotations

from adapters.formats.neutral.terms import FORMAT_TITLES
from admin_ui.i18n import _
from gateway.relay.endpoints import Kind
from gateway.traffic.log import FORMATS

FORMAT_TAGS = {"openai_chat": "Chat", "openai_responses": "Responses", "anthropic": "Claude", "gemini": "Gemini"}
"""Names of formats where there is little room."""


def endpoint_words() -> dict[str, str]:
    """Return what endpoints are called by their names: chats by their format, the others by what they are for."""
    return {
        **{kind: FORMAT_TITLES[spoken] for kind, spoken in FORMATS.items()},
        Kind.COMPLETIONS: _("Completions of texts"),
        Kind.EMBEDDINGS: _("Embedding vectors"),
        Kind.MODERATIONS: _("Moderation of texts"),
        Kind.RERANK: _("Reranking"),
        Kind.IMAGES: _("Making images"),
        Kind.IMAGE_EDITS: _("Editing images"),
        Kind.SPEECH: _("Reading aloud"),
        Kind.TRANSCRIPTIONS: _("Transcription"),
        Kind.TRANSLATIONS: _("Translation of sound"),
        Kind.REALTIME: _("Realtime session"),
    }


def endpoint_word(name: str) -> str:
    """Return what one endpoint is called; those of former versions by their own name."""
    return endpoint_words().get(name) or name.replace("_", " ").capitalize()
