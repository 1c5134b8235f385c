"""What is said of models."""

from __future__ import annotations

import pytest

from adapters.pricing.tables import load_tables
from adapters.providers.model_facts import UNKNOWN, WORDS, load_facts

BOOK = load_facts()


@pytest.mark.parametrize(
    ("table", "model", "can", "context"),
    [
        ("openai", "gpt-4o", ("vision", "tools"), 128_000),
        ("openai", "o3", ("vision", "tools", "reasoning"), 200_000),
        ("anthropic", "claude-sonnet-4-5", ("vision", "tools", "reasoning"), 200_000),
        ("openai", "dall-e-3", ("image",), 0),
        ("openai", "o1-mini", ("reasoning",), 128_000),
        # A table that says nothing of its own has what all share.
        ("azure", "gpt-4o", ("vision", "tools"), 128_000),
    ],
)
def test_what_makers_publish_is_told(table: str, model: str, can: tuple[str, ...], context: int) -> None:
    found = BOOK.of(table, model)
    assert found.can == can
    assert found.context == context


def test_nothing_is_said_of_what_nobody_knows() -> None:
    assert BOOK.of("openai", "a-model-of-our-own") is UNKNOWN
    assert UNKNOWN.can == ()


def test_rows_are_of_models_that_have_a_price_and_use_known_words() -> None:
    prices = load_tables().models
    for table, rows in BOOK.tables().items():
        assert rows.keys() <= prices[table].keys(), table
        for model, facts in rows.items():
            assert set(facts.can) <= set(WORDS), (table, model)
            assert facts.context >= 0
