"""The models that one-api named for each channel type, in its release of 2025-09-24.

Programs that were written for its `GET /api/models` get the answer they know; what the catalogue offers today is
another question. One-api named OpenAI's models for every type that it served by OpenAI's format.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider

_ALL_OTHERS = "openai"


@dataclass(frozen=True, slots=True)
class OriginalModels:
    """Lists of models by the key of a provider."""

    by_key: Mapping[str, tuple[str, ...]]

    def of(self, provider: Provider) -> tuple[str, ...]:
        """Return what one-api named for `provider`; for types that it did not have, what we offer."""
        if provider.addition:
            return provider.models
        return self.by_key.get(provider.key, self.by_key[_ALL_OTHERS])


def load_original_models() -> OriginalModels:
    """Read the lists installed with this package."""
    text = (resources.files("adapters.providers") / "original_models.json").read_bytes()
    return OriginalModels(msgspec.json.decode(text, type=dict[str, tuple[str, ...]]))
