"""`GET /v1beta/models`, and one model of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.reading import dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.formats.neutral.terms import JsonObject

_GENERATES = ["generateContent", "streamGenerateContent", "countTokens"]
_EMBEDS = ["embedContent", "batchEmbedContents", "countTokens"]


def models_body(names: Iterable[str]) -> bytes:
    """Return the list of models, all on one page."""
    return dump({"models": [_model(name) for name in names]})


def model_body(name: str) -> bytes:
    """Return one model."""
    return dump(_model(name))


def _model(name: str) -> JsonObject:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": _EMBEDS if "embed" in name else _GENERATES,
    }
