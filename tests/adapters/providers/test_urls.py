"""Requests go where the original sent them, type by type."""

import json
from pathlib import Path

import pytest

from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.providers.urls import UrlError, upstream_url

RECORDED: dict[str, dict[str, str | None]] = json.loads(
    Path(__file__).with_name("upstream_urls.json").read_text("utf-8")
)
SERVED_BESIDES = {
    (40, "images_generations"),
    (41, "completions"),
    (41, "embeddings"),
    (47, "embeddings"),
    (47, "images_generations"),
    (49, "images_generations"),
    (49, "images_edits"),
}
"""What the original did not offer, though the provider does."""
TEXT_ENDPOINTS = ("chat_completions", "completions", "embeddings", "moderations")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize("type_id", sorted(map(int, RECORDED)))
def test_each_compatible_type_is_asked_at_its_own_address(catalogue: Catalogue, type_id: int) -> None:
    provider = catalogue.provider(type_id)
    assert provider is not None
    base = provider.base_url or "https://chosen.example"
    for endpoint, template in RECORDED[str(type_id)].items():
        if template is None:
            assert provider.serves(endpoint) is ((type_id, endpoint) in SERVED_BESIDES), endpoint
            continue
        if endpoint in TEXT_ENDPOINTS:
            assert provider.serves(endpoint), endpoint
        if not provider.serves(endpoint):
            continue
        expected = template.format(base_url=base, model="some-model", api_version="2024-06-01")
        got = upstream_url(provider, base, endpoint, "some-model", {"api_version": "2024-06-01"})
        assert got == expected


def url(catalogue: Catalogue, key: str, model: str = "m", *, base: str = "", **config: object) -> str:
    provider = catalogue.by_key(key)
    assert provider is not None
    return upstream_url(provider, base, "chat_completions", model, config)


def test_azure_reads_its_version_from_the_channel(catalogue: Catalogue) -> None:
    base = "https://mine.openai.azure.com/"
    deployment = "https://mine.openai.azure.com/openai/deployments"
    assert url(catalogue, "azure", "gpt-4o", base=base, api_version="2024-06-01") == (
        f"{deployment}/gpt-4o/chat/completions?api-version=2024-06-01"
    )
    assert url(catalogue, "azure", "gpt-4o", base=base).endswith("?api-version=2024-03-01-preview")
    assert url(catalogue, "azure", "o3-mini", base=base, api_version="2024-06-01").endswith(
        "o3-mini/chat/completions?api-version=2024-12-01-preview"
    )


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("gemini-1.5-pro", "v1beta"),
        ("gemini-2.0-flash", "v1beta"),
        ("gemini-3-pro-preview", "v1beta"),
        ("gemini-pro-latest", "v1beta"),
        ("gemma-3-27b-it", "v1beta"),
        ("gemini-pro", "v1"),
        ("gemini-1.0-pro", "v1"),
        ("text-embedding-004", "v1"),
        ("gemini-embedding-001", "v1"),
    ],
)
def test_gemini_is_asked_in_the_version_that_a_model_needs(catalogue: Catalogue, model: str, version: str) -> None:
    assert f"/{version}/models/{model}:" in url(catalogue, "gemini", model)
    assert f"/v1alpha/models/{model}:" in url(catalogue, "gemini", model, api_version="v1alpha")


def test_an_installation_has_its_own_version_of_gemini() -> None:
    own = load_catalogue({"gemini": {"api_version": "v9"}})
    assert "/v9/models/gemini-pro:" in url(own, "gemini", "gemini-pro")
    assert "/v1beta/models/gemini-2.5-pro:" in url(own, "gemini", "gemini-2.5-pro")


def test_settings_and_models_cannot_leave_their_place(catalogue: Catalogue) -> None:
    got = url(catalogue, "azure", "m?x#y z", base="https://a.example", api_version="1&key=2#")
    assert got == ("https://a.example/openai/deployments/m%3Fx%23y%20z/chat/completions?api-version=1%26key%3D2%23")


def test_doubao_bots_have_a_path_of_their_own(catalogue: Catalogue) -> None:
    assert url(catalogue, "doubao", "bot-2024").endswith("/api/v3/bots/chat/completions")
    assert url(catalogue, "doubao", "ep-2024").endswith("/api/v3/chat/completions")


def test_cloudflare_needs_an_account_except_behind_its_gateway(catalogue: Catalogue) -> None:
    assert url(catalogue, "cloudflare", "@cf/meta/llama", user_id="acc") == (
        "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1/chat/completions"
    )
    gateway = "https://gateway.ai.cloudflare.com/v1/acc/gw/workers-ai"
    assert url(catalogue, "cloudflare", base=gateway) == f"{gateway}/v1/chat/completions"
    with pytest.raises(UrlError, match="setting user_id"):
        url(catalogue, "cloudflare")


def test_trailing_slashes_of_a_base_url_do_not_matter(catalogue: Catalogue) -> None:
    assert url(catalogue, "openaicompatible", base="http://x/v1//") == "http://x/v1/chat/completions"
    assert url(catalogue, "openai", base="http://x/") == "http://x/v1/chat/completions"


def test_a_channel_without_an_address_is_named(catalogue: Catalogue) -> None:
    with pytest.raises(UrlError, match="needs a base URL"):
        url(catalogue, "openaicompatible")


def test_an_endpoint_that_is_not_offered_has_no_address(catalogue: Catalogue) -> None:
    provider = catalogue.by_key("minimax")
    assert provider is not None
    with pytest.raises(UrlError, match="does not offer embeddings"):
        upstream_url(provider, "", "embeddings", "m", {})


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("ERNIE-4.0-8K", "completions_pro"),
        ("ERNIE-Bot", "completions"),
        ("ERNIE-Bot-turbo", "eb-instant"),
        ("ERNIE-Speed", "ernie_speed"),
        ("ERNIE-Speed-128K", "ernie-speed-128k"),
        ("ERNIE-3.5-8K-1222", "ernie-3.5-8k-1222"),
        ("ERNIE-Tiny-8K", "ernie-tiny-8k"),
        ("Some-New-Model", "some-new-model"),
    ],
)
def test_baidu_calls_models_otherwise_in_addresses(catalogue: Catalogue, model: str, name: str) -> None:
    assert url(catalogue, "baidu", model).endswith(f"/wenxinworkshop/chat/{name}")


def test_zhipu_serves_old_models_elsewhere(catalogue: Catalogue) -> None:
    assert url(catalogue, "zhipu", "glm-4-plus").endswith("/api/paas/v4/chat/completions")
    assert url(catalogue, "zhipu", "chatglm_turbo").endswith("/api/paas/v3/model-api/chatglm_turbo/invoke")


def bedrock(catalogue: Catalogue, base: str = "", model: str = "claude-sonnet-4-5", **config: object) -> str:
    provider = catalogue.by_key("awsclaude")
    assert provider is not None
    return upstream_url(provider, base, "messages", model, config)


def test_bedrock_is_reached_in_its_region_unless_something_says_otherwise() -> None:
    path = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
    plain, elsewhere = load_catalogue(), load_catalogue({"awsclaude": {"base_url": "https://vpce.example.com"}})
    assert bedrock(plain, region="eu-west-1") == f"https://bedrock-runtime.eu-west-1.amazonaws.com{path}"
    assert bedrock(elsewhere, region="eu-west-1") == f"https://vpce.example.com{path}"
    assert bedrock(elsewhere, "https://own.example.com/x/", region="eu-west-1") == f"https://own.example.com/x{path}"
    with pytest.raises(UrlError, match="region"):
        bedrock(plain)


def test_models_of_bedrock_may_be_given_as_it_calls_them() -> None:
    catalogue = load_catalogue()
    host = "https://bedrock-runtime.eu-west-1.amazonaws.com/model"
    arn = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x"
    quoted = "arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x"
    assert (
        bedrock(catalogue, model="eu.anthropic.x-v1:0", region="eu-west-1") == f"{host}/eu.anthropic.x-v1%3A0/invoke"
    )
    assert bedrock(catalogue, model=arn, region="eu-west-1") == f"{host}/{quoted}/invoke"
    mapped = {"inference_profile_arn_map": {"claude-sonnet-4-5": arn}}
    assert bedrock(catalogue, region="eu-west-1", **mapped) == f"{host}/{quoted}/invoke"
