"""The catalogue knows every channel type, and a mistake in a row is found at start."""

import pytest

from adapters.formats.pictures.names import PAINTER_NAMES
from adapters.formats.pictures.table import PAINTERS
from adapters.formats.table import PROVIDERS
from adapters.providers.catalogue import Catalogue, CatalogueError, load_catalogue, read_rows
from adapters.providers.provider import SPOKEN_FORMATS, Provider, SignedRequests
from adapters.wires.names import WIRE_NAMES
from adapters.wires.table import make_wires
from adapters.wires.tokens import TokenKeeper

ROW = """
[[provider]]
id = 900
key = "new"
name = "New"
format = "openai_chat"
owner = "new"
base_url = "https://new.example"
endpoints = ["chat_completions"]
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def named(catalogue: Catalogue, key: str) -> Provider:
    provider = catalogue.by_key(key)
    assert provider is not None
    return provider


def test_every_type_is_there(catalogue: Catalogue) -> None:
    assert [p.id for p in catalogue.providers] == list(range(58))
    assert catalogue.provider(58) is None
    assert [p.id for p in catalogue.providers if p.addition] == list(range(52, 58))


@pytest.mark.parametrize(
    ("key", "header"),
    [
        ("openai", ("Authorization", "Bearer sk-1")),
        ("azure", ("api-key", "sk-1")),
        ("anthropic", ("x-api-key", "sk-1")),
        ("gemini", ("x-goog-api-key", "sk-1")),
        ("proxy", ("Authorization", "sk-1")),
        ("deepl", ("Authorization", "DeepL-Auth-Key sk-1")),
    ],
)
def test_credentials(catalogue: Catalogue, key: str, header: tuple[str, str]) -> None:
    provider = named(catalogue, key)
    assert provider.auth_header("sk-1") == header


def test_signed_providers_have_no_credential_header(catalogue: Catalogue) -> None:
    provider = named(catalogue, "awsclaude")
    with pytest.raises(SignedRequests):
        provider.auth_header("k")


def test_only_formats_we_speak_are_served(catalogue: Catalogue) -> None:
    served = {p.key for p in catalogue.providers if p.serves("chat_completions")}
    assert {"openai", "azure", "deepseek", "openrouter", "openaicompatible", "moonshot"} <= served
    assert {"anthropic", "gemini", "ali", "baidu", "deepl", "xunfei", "zhipu"} <= served
    assert "proxy" not in served


def test_the_formats_that_rows_may_name_are_those_with_a_codec() -> None:
    assert set(PROVIDERS) - {"openai_responses"} == SPOKEN_FORMATS


def test_wires_that_rows_may_name_are_made(catalogue: Catalogue) -> None:
    assert set(make_wires(TokenKeeper())) == WIRE_NAMES
    used = {p.wire for p in catalogue.providers if p.wire}
    assert used == WIRE_NAMES, "a wire that no row names is of no use"


def test_forms_for_pictures_that_rows_may_name_are_made(catalogue: Catalogue) -> None:
    assert set(PAINTERS) == PAINTER_NAMES == {p.pictures for p in catalogue.providers if p.pictures}


def test_a_format_may_depend_on_the_model(catalogue: Catalogue) -> None:
    zhipu = named(catalogue, "zhipu")
    assert zhipu.format_of("glm-4-plus") == "openai_chat"
    assert zhipu.format_of("chatglm_turbo") == "zhipu"


def test_the_output_limit_is_renamed_only_where_it_must_be(catalogue: Catalogue) -> None:
    openai, azure, compatible = (named(catalogue, k) for k in ("openai", "azure", "openaicompatible"))
    for model in ("o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini"):
        assert openai.wants_max_completion_tokens(model)
        assert azure.wants_max_completion_tokens(model)
        assert not compatible.wants_max_completion_tokens(model)
    for model in ("gpt-4o", "omni-moderation-latest", "chatgpt-4o-latest"):
        assert not openai.wants_max_completion_tokens(model)


def test_mistral_is_not_sent_stream_options(catalogue: Catalogue) -> None:
    assert [p.key for p in catalogue.providers if not p.takes_stream_options] == ["mistral"]


def test_resellers_offer_what_openai_offers(catalogue: Catalogue) -> None:
    openai, reseller = named(catalogue, "openai"), named(catalogue, "api2d")
    assert reseller.models == openai.models
    assert len(openai.models) > 100


def test_models_are_listed_under_the_owner_whose_channel_serves_them(catalogue: Catalogue) -> None:
    assert catalogue.listed_owner("gpt-4o-mini", [50]) == "openai"
    assert catalogue.listed_owner("claude-3-haiku-20240307", [33]) == "aws"
    assert catalogue.listed_owner("claude-3-haiku-20240307", [14]) == "anthropic"
    # An own name of a compatible provider is known under that provider only.
    assert catalogue.listed_owner("360GPT_S2_V9", [19]) == "360"
    assert catalogue.listed_owner("gpt-4o", [3]) == "openai"


def test_unknown_names_are_listed_only_where_operators_name_models(catalogue: Catalogue) -> None:
    assert catalogue.listed_owner("my-own-model", [1]) is None
    assert catalogue.listed_owner("my-own-model", []) is None
    assert catalogue.listed_owner("my-own-model", [1, 50]) == "custom"
    named_by_operators = {p.key for p in catalogue.providers if p.own_names}
    assert named_by_operators >= {"azure", "custom", "openaicompatible", "ollama", "coze", "doubao"}


def test_the_last_owner_answers_for_a_name_alone(catalogue: Catalogue) -> None:
    assert catalogue.owner_of("gpt-4o") == "openai"
    assert catalogue.owner_of("claude-2.0") == "aws"
    assert catalogue.owner_of("gemini-1.0-pro") == "vertexai"
    assert catalogue.owner_of("none-such") is None


def test_models_of_old_installations_stay_known(catalogue: Catalogue) -> None:
    gemini = named(catalogue, "gemini")
    assert "gemini-1.0-pro" in gemini.former_models
    assert "gemini-1.0-pro" not in gemini.models
    assert "gemini-1.0-pro" in catalogue.models()


def test_a_good_row_is_read() -> None:
    [(where, provider)] = read_rows("new.toml", ROW)
    assert (where, provider.name) == ("new.toml, provider new", "New")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id = 900", 'id = "x"'), "new.toml, provider new: Expected `int`, got `str` - at `$.id`"),
        (('name = "New"', ""), "missing required field `name`"),
        (('name = "New"', 'name = "New"\nnaem = "N"'), "naem: unknown field"),
        (("chat_completions", "chat"), "endpoints: unknown name chat"),
        (("https://new.example", "new.example"), "base_url: must begin with http"),
        (('name = "New"', 'name = "New"\nquirks = ["odd"]'), "quirks: unknown name odd"),
        (('name = "New"', 'name = "New"\ncredential = "Bearer"'), "credential: has no {key}"),
        (('name = "New"', 'name = "New"\ncredential_header = "A B"'), "is not a header name"),
        (('name = "New"', 'name = "New"\nurl = "{base_url}/{region}"'), "url: {region} is no setting"),
        (('name = "New"', 'name = "New"\npaths = { chat = "x" }'), "paths: unknown endpoint chat"),
        (('name = "New"', 'name = "New"\nwire = "odd"'), "wire: unknown name odd"),
        (('name = "New"', 'name = "New"\nmodel_formats = { a = "odd" }'), "model_formats: there is no codec for odd"),
        (("[[provider]]", "[[provider"), "new.toml: "),
    ],
)
def test_a_bad_row_is_named_with_file_row_and_field(change: tuple[str, str], message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read_rows("new.toml", ROW.replace(*change))
    assert message in str(caught.value)
    assert str(caught.value).startswith("new.toml")
