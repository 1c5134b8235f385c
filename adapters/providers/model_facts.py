"""What models are known to take and give, beside their prices: context, output limit, and what they can do.

The rows lie in `model_facts.json`, by the name of the price table that the model is in. A model without a row is one
that nobody told us about: then nothing is said of it, neither yes nor no. One-api's own rows said that OpenAI's first
reasoning models, its search models and its models for completions call tools; they do not
(https://platform.openai.com/docs/models), so that word is not in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from adapters.pricing.book import SHARED_ORDER

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Final = ("vision", "tools", "reasoning", "image", "audio", "video")
"""What a row may say: pictures go in, tools are called, it thinks; it makes pictures, hears or speaks, films."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model. `context` and `output` in tokens, 0 where unknown; `can` holds some of `WORDS`, in their order."""

    context: int = 0
    output: int = 0
    can: tuple[str, ...] = ()


UNKNOWN: Final = ModelFacts()


class FactBook:
    """All that is known of models. Immutable."""

    def __init__(self, tables: Mapping[str, Mapping[str, ModelFacts]]) -> None:
        self._tables = tables
        self._shared: dict[str, ModelFacts] = {}
        for name in reversed(SHARED_ORDER):
            self._shared.update(tables.get(name, {}))

    def of(self, table: str, model: str) -> ModelFacts:
        """Return what is known of `model`, whose price stands in `table`; `UNKNOWN` where nothing is."""
        return self._tables.get(table, {}).get(model) or self._shared.get(model) or UNKNOWN

    def tables(self) -> Mapping[str, Mapping[str, ModelFacts]]:
        """Return all rows by table."""
        return self._tables


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    context: int = 0
    output: int = 0
    can: str = ""


def load_facts() -> FactBook:
    """Read the rows that are installed with this package (takes a few milliseconds)."""
    text = (resources.files("adapters.providers") / "model_facts.json").read_bytes()
    tables = msgspec.json.decode(text, type=dict[str, dict[str, _Row]])
    return FactBook(
        {
            table: {model: ModelFacts(row.context, row.output, tuple(row.can.split())) for model, row in rows.items()}
            for table, rows in tables.items()
        }
    )
