"""What `GET /v1/models` lists: known names, and the names that operators gave their own models."""

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

from adapters.providers.catalogue import load_catalogue
from gateway.registry.options import Options
from gateway.registry.snapshot import ChannelView, Snapshot
from gateway.relay.admit import Caller
from gateway.relay.head import RequestHead
from gateway.relay.models import answer
from tests.relay.views import channel

CATALOGUE = load_catalogue()
# Only the group of a caller is looked at.
CALLER = cast("Caller", SimpleNamespace(user=SimpleNamespace(group="default")))


def asked(path: str, channels: Iterable[ChannelView], *, query: bytes = b"", **headers: str) -> Any:
    serving: dict[tuple[str, str], tuple[ChannelView, ...]] = {}
    for view in channels:
        for model in view.models:
            serving["default", model] = (*serving.get(("default", model), ()), view)
    snapshot = Snapshot(channels={c.id: c for c in channels}, serving=serving, options=Options.from_rows({}))
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    head = RequestHead(method="GET", path=path, raw_path=path, query=query, headers=named, address="")
    status, body = answer(head, caller=CALLER, snapshot=snapshot, catalogue=CATALOGUE)
    assert status == 200
    return json.loads(body)


def listed(channels: Iterable[ChannelView]) -> dict[str, str]:
    return {entry["id"]: entry["owned_by"] for entry in asked("/v1/models", channels)["data"]}


def of_type(number: int, type_id: int, *models: str) -> ChannelView:
    return channel(number, type=type_id, provider=CATALOGUE.provider(type_id), models=models)


def test_names_nobody_knows_are_left_out_on_types_that_have_models_of_their_own() -> None:
    assert listed([of_type(1, 1, "gpt-4o", "house-model")]) == {"gpt-4o": "openai"}


def test_names_nobody_knows_are_listed_where_operators_name_models() -> None:
    assert listed([of_type(1, 50, "gpt-4o", "house-model")]) == {"gpt-4o": "openai", "house-model": "custom"}


def test_a_model_is_listed_once_under_the_owner_whose_channel_serves_it() -> None:
    assert listed([of_type(1, 24, "gemini-2.0-flash")]) == {"gemini-2.0-flash": "google gemini"}
    assert listed([of_type(1, 24, "gemini-2.0-flash"), of_type(2, 42, "gemini-2.0-flash")]) == {
        "gemini-2.0-flash": "vertexai"
    }


def test_a_model_that_is_not_listed_can_still_be_asked_for_by_name() -> None:
    assert asked("/v1/models/house-model", [of_type(1, 1, "house-model")])["owned_by"] == "custom"
    assert asked("/v1/models/house-model", [])["error"]["code"] == "model_not_found"


def test_googles_clients_get_googles_list_wherever_they_ask() -> None:
    channels = [of_type(1, 24, "gemini-2.0-flash", "text-embedding-004")]
    own = asked("/v1beta/models", channels)
    assert [model["name"] for model in own["models"]] == ["models/gemini-2.0-flash", "models/text-embedding-004"]
    assert "embedContent" in own["models"][1]["supportedGenerationMethods"]
    assert asked("/v1alpha/models", channels) == own
    assert asked("/v1/models", channels, x_goog_api_key="k") == own
    assert asked("/v1/models", channels, query=b"key=k") == own
    assert asked("/v1/models/gemini-2.0-flash", channels, x_goog_api_key="k") == own["models"][0]
    assert asked("/v1/models", channels, authorization="Bearer k", x_goog_api_key="k")["object"] == "list"
