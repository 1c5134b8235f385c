"""Keys that are made of several things become the one text that is stored, or say what they lack."""

from __future__ import annotations

import json

import pytest

from adapters.providers.catalogue import load_catalogue
from adapters.providers.provider import Provider
from gateway.accounts.refusals import Refused
from gateway.channels.credentials import app_key, check_google_account, joined, key_of_settings, parts_of_key


def provider(key: str) -> Provider:
    found = load_catalogue().by_key(key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("baidu", ("API_KEY", "SECRET_KEY")),
        ("xunfei", ("APPID", "API_SECRET", "API_KEY")),
        ("tencent", ("APPID", "SECRET_ID", "SECRET_KEY")),
        ("openai", ()),
        ("awsclaude", ()),
    ],
)
def test_which_keys_have_parts(key: str, parts: tuple[str, ...]) -> None:
    assert parts_of_key(provider(key)) == parts


def test_parts_are_joined_and_a_whole_key_may_be_pasted_into_the_first() -> None:
    assert joined(("A", "B"), [" a ", "b"]) == "a|b"
    assert joined(("A", "B"), ["a|b", ""]) == "a|b"
    assert joined(("A", "B"), ["", ""]) == ""


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Refused, match="the key lacks B"):
        joined(("A", "B"), ["a", ""])
    with pytest.raises(Refused, match="divides its parts"):
        joined(("A", "B"), ["a|c", "b"])
    with pytest.raises(Refused, match="lacks private_key, public_key_id"):
        app_key("", {"client_id": "1"})
    with pytest.raises(Refused, match="not JSON"):
        app_key("{", {})


def test_an_app_is_one_line_with_the_usual_addresses() -> None:
    key = app_key("", {"client_id": "1", "private_key": "-----\nk", "public_key_id": "p"})
    assert "\n" not in key
    assert json.loads(key)["coze_api_base"] == "https://api.coze.com"
    pasted = json.dumps({"client_id": "1", "private_key": "k", "public_key_id": "p"}, indent=2)
    assert json.loads(app_key(pasted, {})) == json.loads(pasted)
    assert app_key("", {}) == ""


def test_an_account_of_google_s_is_checked_where_it_is_typed() -> None:
    check_google_account('{"type": "service_account", "client_email": "a@b", "private_key": "k"}')
    with pytest.raises(Refused, match="line and column 2:1"):
        check_google_account('{"type":\n')
    with pytest.raises(Refused, match="lacks private_key"):
        check_google_account('{"type": "service_account", "client_email": "a@b"}')
    with pytest.raises(Refused, match="of type service_account"):
        check_google_account("[]")


def test_settings_make_a_key_once_all_are_there() -> None:
    aws = provider("awsclaude")
    assert key_of_settings(aws, {"ak": "a", "sk": "s", "region": "eu-west-1"}) == "a|s|eu-west-1"
    assert key_of_settings(aws, {"ak": "a", "region": "eu-west-1"}) == ""
    # Without an account the machine's own credentials serve.
    assert key_of_settings(provider("vertextai"), {"vertex_ai_project_id": "p"}) == "|p|"
    assert key_of_settings(provider("openai"), {}) == ""
