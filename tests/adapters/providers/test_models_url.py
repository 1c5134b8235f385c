"""Where providers list their models."""

import pytest

from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.providers.provider import Provider
from adapters.providers.urls import UrlError, models_url

WITHOUT_A_LIST = {
    "aiproxylibrary",
    "awsclaude",
    "baidu",
    "copilot",
    "coze",
    "deepl",
    "palm",
    "proxy",
    "replicate",
    "tencent",
    "vertextai",
    "xunfei",
}
BASE = "https://chosen.example"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("openai", "https://api.openai.com/v1/models"),
        ("openaicompatible", f"{BASE}/models"),
        ("azure", f"{BASE}/openai/models?api-version=2024-03-01-preview"),
        ("anthropic", "https://api.anthropic.com/v1/models?limit=1000"),
        ("gemini", "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"),
        ("ali", "https://dashscope.aliyuncs.com/compatible-mode/v1/models"),
        ("alibailian", "https://dashscope.aliyuncs.com/compatible-mode/v1/models"),
        ("zhipu", "https://open.bigmodel.cn/api/paas/v4/models"),
        ("baiduv2", "https://qianfan.baidubce.com/v2/models"),
        ("doubao", "https://ark.cn-beijing.volces.com/api/v3/models"),
        ("novita", "https://api.novita.ai/v3/openai/models"),
        ("ollama", "http://localhost:11434/api/tags"),
        ("cohere", "https://api.cohere.ai/v1/models?page_size=1000"),
        ("cloudflare", "https://api.cloudflare.com/client/v4/accounts/me/ai/models/search?per_page=1000"),
        ("geminiopenaicompatible", "https://generativelanguage.googleapis.com/v1beta/openai/models"),
        ("deepinfra", "https://api.deepinfra.com/v1/openai/models"),
    ],
)
def test_models_are_listed_where_the_provider_has_its_other_endpoints(
    catalogue: Catalogue, key: str, url: str
) -> None:
    provider = catalogue.by_key(key)
    assert provider is not None
    assert models_url(provider, "" if provider.base_url else BASE, {"user_id": "me"}) == url


def has_list(provider: Provider) -> bool:
    try:
        return bool(models_url(provider, BASE, {"user_id": "me"}))
    except UrlError:
        return False


def test_all_but_these_types_list_their_models(catalogue: Catalogue) -> None:
    assert {p.key for p in catalogue.providers if not has_list(p)} == WITHOUT_A_LIST
    palm = catalogue.by_key("palm")
    assert palm is not None
    with pytest.raises(UrlError, match="has no list of models"):
        models_url(palm, "", {})


def test_a_version_that_was_typed_twice_does_not_hide_the_list(catalogue: Catalogue) -> None:
    openai = catalogue.by_key("openai")
    assert openai is not None
    assert models_url(openai, "http://x/v1/", {}) == "http://x/v1/models"
