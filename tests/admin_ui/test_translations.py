"""Both languages say everything."""

from __future__ import annotations

import tomllib

import pytest

from adapters.providers.catalogue import load_catalogue as load_providers
from admin_ui.i18n import LANGUAGES, SOURCE, as_sentence, choose_language, load_catalogue
from tests.admin_ui.messages import ROOT, messages, places


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != SOURCE])
def test_every_text_is_translated_with_the_same_places(language: str) -> None:
    catalogue = load_catalogue(language)
    wanted = messages()
    missing = {text: file for text, file in wanted.items() if not catalogue.texts.get(text)}
    assert missing == {}
    uneven = {t for t in wanted if places(t) != places(catalogue.texts[t])}
    assert uneven == set()


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != SOURCE])
def test_no_text_is_translated_in_two_ways(language: str) -> None:
    seen: dict[str, set[str]] = {}
    for path in (ROOT / "translations" / language).glob("*.toml"):
        for english, translation in tomllib.loads(path.read_text("utf-8")).items():
            if english != "patterns":
                seen.setdefault(english, set()).add(translation)
    assert {english: found for english, found in seen.items() if len(found) > 1} == {}


def test_what_rows_of_the_catalogue_say_to_people_is_translated() -> None:
    texts = load_catalogue("zh").texts
    said = {
        text
        for provider in load_providers().providers
        for text in (provider.key_note, provider.lacks, *provider.config_fields.values())
        if text
    }
    assert sorted(text for text in said if not texts.get(text)) == []


def test_a_service_s_words_are_translated_with_their_values() -> None:
    catalogue = load_catalogue("zh")
    assert catalogue.message("channel 17 was not found") == "找不到渠道 17"
    assert catalogue.message("SMTPPort must be between 1 and 65535") == "SMTPPort 必须在 1 与 65535 之间"
    assert catalogue.message("weight cannot be negative") == "weight 不能为负数"
    assert catalogue.message("the provider did not answer within 15 s") == "服务商在 15 秒内没有回应"
    assert catalogue.message("log not found") == "找不到该日志"
    assert catalogue.message("something nobody foresaw") == "something nobody foresaw"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("channel 17 was not found", "Channel 17 was not found."),
        ("找不到渠道 17", "找不到渠道 17。"),
        ("There is no such model: gpt-4o", "There is no such model: gpt-4o."),
        ("model_mapping is no JSON (line 3)", "model_mapping is no JSON (line 3)."),
        ("gpt-4o is not served", "gpt-4o is not served."),
        ("id is empty!", "Id is empty!"),
        ("It was saved.", "It was saved."),
        ("must begin with https://", "Must begin with https://"),
        ('the provider said {"error": 1}', 'The provider said {"error": 1}'),
        ("", ""),
    ],
)
def test_what_services_say_is_shown_as_a_sentence(said: str, sentence: str) -> None:
    assert as_sentence(said) == sentence


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        ("zh", "en", "zh"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "fr, en;q=0.5, zh;q=0.9", "zh"),
        ("", "fr", "en"),
        ("xx", "", "en"),
        ("", "zh;q=nonsense, en", "en"),
    ],
)
def test_language_follows_choice_then_browser(chosen: str, accepted: str, expected: str) -> None:
    assert choose_language(chosen, accepted) == expected
