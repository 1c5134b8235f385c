"""The page of providers is fresh, complete, and has a word for everything that a row can say."""

from pathlib import Path
from typing import get_args

import pytest

from adapters.formats.neutral.encoding import ReasoningStyle
from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.providers.provider import QUIRKS, SPOKEN_FORMATS
from adapters.wires.names import WIRE_NAMES
from gateway.channels.provider_reference import as_markdown
from gateway.channels.provider_words import FORMATS, QUIRK_WORDS, STYLE_WORDS, WIRE_WORDS

PAGE = Path(__file__).parent.parent.parent / "docs" / "providers.md"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_the_page_in_docs_is_fresh(catalogue: Catalogue) -> None:
    assert PAGE.read_text("utf-8") == as_markdown(catalogue), "run scripts/docs"


def test_every_word_of_a_row_is_explained() -> None:
    assert QUIRK_WORDS.keys() == QUIRKS
    assert WIRE_WORDS.keys() == WIRE_NAMES
    assert FORMATS.keys() >= SPOKEN_FORMATS
    assert {"effort", *STYLE_WORDS} == set(get_args(ReasoningStyle))


def test_every_type_is_told_of_with_its_number_key_and_settings(catalogue: Catalogue) -> None:
    page = as_markdown(catalogue)
    for provider in catalogue.providers:
        assert f"{provider.id} {provider.name}" in page
        assert f"`{provider.key_format}`" in page
        for name, meaning in provider.config_fields.items():
            assert f"- Setting `{name}`: {meaning}" in page


def test_what_is_not_served_is_said(catalogue: Catalogue) -> None:
    copilot = catalogue.by_key("copilot")
    assert copilot is not None
    assert not copilot.serves("chat_completions")
    assert f"**Not served yet**: {copilot.lacks}." in as_markdown(catalogue)
