"""What is not plain text has prices of its own: caches, pictures, sound, searches, and long prompts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.pricing.book import PriceBook
from adapters.pricing.charge import Mode, charge
from adapters.pricing.price import ModelConfig
from adapters.pricing.usage import Usage

OPENAI, ANTHROPIC, OPENROUTER, GEMINI, BEDROCK, DEEPSEEK, VERTEX, XAI = 1, 14, 20, 24, 33, 36, 42, 45
SONNET = "claude-sonnet-4-20250514"
# 1 USD is 500 000 units, so that a USD per million tokens is half a unit per token.


def units(book: PriceBook, type_id: int, model: str, usage: Usage, group: str = "1", **more: object) -> int:
    return charge(book.resolve(type_id, model), usage, Decimal(group), **more).units  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_id", "model", "usage", "expected"),
    [
        # gpt-4o: 2.50 in, 1.25 cached.
        (OPENAI, "gpt-4o", Usage(cached_read=1000), 625),
        # gpt-4.1: 2.00 in, 0.50 cached.
        (OPENAI, "gpt-4.1", Usage(input=1000, cached_read=1000), 1000 + 250),
        # Claude: a tenth to read, 1.25 and 2 times to write for 5 minutes and an hour.
        (ANTHROPIC, SONNET, Usage(cached_read=1000), 150),
        (ANTHROPIC, SONNET, Usage(cache_write_5m=1000), 1875),
        (ANTHROPIC, SONNET, Usage(cache_write_1h=1000), 3000),
        (BEDROCK, SONNET, Usage(cached_read=1000, cache_write_5m=1000, cache_write_1h=1000), 150 + 1875 + 3000),
        (VERTEX, SONNET, Usage(cached_read=1000, cache_write_5m=1000, cache_write_1h=1000), 150 + 1875 + 3000),
        # Gemini 2.5 Flash: 0.30 in, 0.03 cached.
        (GEMINI, "gemini-2.5-flash", Usage(cached_read=1000), 15),
        # A model without a price for its cache: as all input.
        (OPENAI, "gpt-4-turbo", Usage(cached_read=1000), 5000),
    ],
)
def test_what_caches_hold_has_its_own_price(
    book: PriceBook, type_id: int, model: str, usage: Usage, expected: int
) -> None:
    assert units(book, type_id, model, usage) == expected
    assert units(book, type_id, model, usage, "0.5") == -(-expected // 2)


@pytest.mark.parametrize(
    ("type_id", "model", "usage", "expected"),
    [
        # Pictures that a chat brings forth: 30, 120 and 60 USD a million, where text is 2.50, 12 and 3.
        (GEMINI, "gemini-2.5-flash-image", Usage(input=1000, output=100, image_output=1290), 150 + 125 + 19_350),
        (VERTEX, "gemini-2.5-flash-image", Usage(image_output=1290), 19_350),
        (GEMINI, "gemini-3-pro-image-preview", Usage(output=100, image_output=1120), 600 + 67_200),
        (OPENROUTER, "google/gemini-3.1-flash-image", Usage(image_output=1120), 33_600),
        # Pictures that it looks at cost as text does there, and twice that for GPT's image models.
        (GEMINI, "gemini-2.5-flash-image", Usage(image_input=1000), 150),
        (OPENAI, "gpt-image-1", Usage(input=100, image_input=1000), 250 + 5000),
        # Where there is no price for pictures, they are text.
        (OPENAI, "gpt-4o", Usage(input=1000, image_input=1000, image_output=100), 2500 + 500),
    ],
)
def test_pictures_in_chats_cost_what_pictures_do(
    book: PriceBook, type_id: int, model: str, usage: Usage, expected: int
) -> None:
    assert units(book, type_id, model, usage) == expected


def test_a_channels_own_ratio_prices_pictures_as_text(book: PriceBook) -> None:
    price = book.resolve(GEMINI, "gemini-2.5-flash-image", ModelConfig(ratio=Decimal(1), completion_ratio=Decimal(2)))
    assert charge(price, Usage(input=10, image_output=100), Decimal(1)).units == 210


@pytest.mark.parametrize(
    ("type_id", "model", "usage", "expected"),
    [
        # OpenAI's models for audio: 16 times text in, twice that out.
        (OPENAI, "gpt-4o-audio-preview", Usage(audio_input=100), 2000),
        (OPENAI, "gpt-4o-audio-preview", Usage(audio_output=100), 16_000),
        (OPENAI, "gpt-4o-audio-preview-2024-10-01", Usage(audio_input=100), 5000),
        (OPENAI, "gpt-4o-mini-audio-preview", Usage(audio_input=100), 501),
        # Gemini 2.5 Flash: 1.00 where text is 0.30; 2.5 Pro and 3 Pro: as text.
        (GEMINI, "gemini-2.5-flash", Usage(audio_input=900), 450),
        (GEMINI, "gemini-2.5-pro", Usage(audio_input=800), 500),
        (GEMINI, "gemini-3-pro-preview", Usage(audio_input=800), 800),
        (OPENROUTER, "google/gemini-2.5-pro", Usage(audio_input=800), 500),
        # Nobody priced it: as OpenAI's if it is called like them, else as text.
        (OPENAI, "gpt-99-audio-preview", Usage(audio_input=100), 2000),
        (OPENAI, "gpt-99", Usage(audio_input=100), 125),
    ],
)
def test_sound_in_chats(book: PriceBook, type_id: int, model: str, usage: Usage, expected: int) -> None:
    assert units(book, type_id, model, usage) == expected


@pytest.mark.parametrize(
    ("type_id", "model", "tool", "each"),
    [
        (OPENAI, "gpt-5", "web_search", 5000),
        (OPENAI, "gpt-5", "file_search", 1250),
        (OPENAI, "gpt-5", "code_interpreter", 15_000),
        (OPENAI, "gpt-4o", "web_search_preview_non_reasoning", 12_500),
        (ANTHROPIC, SONNET, "web_search", 5000),
        (VERTEX, SONNET, "web_search", 5000),
        (GEMINI, "gemini-2.5-flash", "web_search", 17_500),
        (GEMINI, "gemini-3-pro-preview", "web_search", 7000),
        (VERTEX, "gemini-2.5-flash", "web_search", 17_500),
        (VERTEX, "gemini-3-pro-preview", "web_search", 7000),
        (VERTEX, "gemini-9-ultra", "web_search", 17_500),
        (XAI, "grok-4", "web_search", 2500),
        (DEEPSEEK, "deepseek-chat", "web_search", 0),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_hosted_tools_cost_by_the_use_whatever_the_group(
    book: PriceBook, type_id: int, model: str, tool: str, each: int, mode: Mode
) -> None:
    plain = Usage(input=100_000, output=10)
    with_tools = Usage(input=100_000, output=10, tool_calls=((tool, 3),))
    for group in ("1", "0.5"):
        before = units(book, type_id, model, plain, group, mode=mode)
        assert units(book, type_id, model, with_tools, group, mode=mode) == before + 3 * each


@pytest.mark.parametrize(
    ("type_id", "model", "usage", "expected"),
    [
        # Gemini 2.5 Pro: 1.25 and 10 up to 200 000 tokens, 2.50 and 15 for the whole request above.
        (GEMINI, "gemini-2.5-pro", Usage(input=200_000, output=10), 125_000 + 50),
        (GEMINI, "gemini-2.5-pro", Usage(input=200_001, output=10), 250_077),
        # What a cache held counts towards the length, and has the tier's price, too.
        (GEMINI, "gemini-2.5-pro", Usage(input=1, cached_read=200_000), 25_002),
        (VERTEX, "gemini-2.5-pro", Usage(input=200_001), 250_002),
    ],
)
def test_long_prompts_have_a_price_of_their_own(
    book: PriceBook, type_id: int, model: str, usage: Usage, expected: int
) -> None:
    assert units(book, type_id, model, usage) == expected
