"""Whoever replaces one-api finds every channel type as it was: name, address, key, settings, models.

`one_api_types.json` describes the types of one-api (52 to 57: of its later releases).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.providers.provider import Provider

FACTS: dict[str, Any] = json.loads(Path(__file__).with_name("one_api_types.json").read_text("utf-8"))
TYPES: list[dict[str, Any]] = FACTS["types"]
WITHOUT_A_CODEC = {"copilot", "proxy"}
"""Known, and asked in no format: Copilot's tokens are not exchanged yet, a proxy passes on anything."""
SIGNED_OR_EXCHANGED = {"awsclaude", "baidu", "copilot", "coze", "tencent", "vertextai", "xunfei", "zhipu"}
"""Their keys never go out as they are, or not always."""
ADDRESSES_ADDED = {"xunfei": "https://spark-api.xf-yun.com"}
"""One-api had this address in its code instead of in the type's defaults."""
SETTINGS_ADDED = {"awsclaude": {"cross_region"}}
"""Settings that are new; channels of old installations have them not."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def named(catalogue: Catalogue, fact: dict[str, Any]) -> Provider:
    provider = catalogue.provider(fact["id"])
    assert provider is not None
    return provider


@pytest.mark.parametrize("fact", TYPES, ids=lambda fact: fact["key"])
def test_a_type_is_what_it_was(catalogue: Catalogue, fact: dict[str, Any]) -> None:
    p = named(catalogue, fact)
    assert (p.key, p.name, p.colour, p.owner) == (fact["key"], fact["name"], fact["colour"], fact["owner"])
    assert p.hidden is not fact["listed"]
    assert p.base_url == (fact["base_url"] or ADDRESSES_ADDED.get(p.key, ""))
    assert p.base_url_required == fact["base_url_required"]
    assert p.key_format == fact["key_format"]
    assert sorted(p.config_fields.keys() - SETTINGS_ADDED.get(p.key, set())) == fact["config_fields"]


@pytest.mark.parametrize("fact", TYPES, ids=lambda fact: fact["key"])
def test_a_type_offers_the_models_it_offered(catalogue: Catalogue, fact: dict[str, Any]) -> None:
    p = named(catalogue, fact)
    missing = set(FACTS["models"].get(fact["models"], ())) - {*p.models, *p.former_models}
    assert missing == set()


@pytest.mark.parametrize("fact", TYPES, ids=lambda fact: fact["key"])
def test_a_type_can_be_asked_all_that_it_could(catalogue: Catalogue, fact: dict[str, Any]) -> None:
    p = named(catalogue, fact)
    if p.key not in WITHOUT_A_CODEC:
        assert set(fact["endpoints"]) <= p.endpoints


@pytest.mark.parametrize("fact", TYPES, ids=lambda fact: fact["key"])
def test_the_key_goes_where_it_went(catalogue: Catalogue, fact: dict[str, Any]) -> None:
    p = named(catalogue, fact)
    if p.key in SIGNED_OR_EXCHANGED:
        assert p.is_signed
    else:
        assert (p.credential_header, p.credential) == (fact["credential_header"], fact["credential"])


def test_every_type_is_described() -> None:
    assert [fact["id"] for fact in TYPES] == list(range(58))
