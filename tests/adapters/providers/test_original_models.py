"""Programs that ask which models a type has get what one-api answered."""

import pytest

from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.providers.original_models import OriginalModels, load_original_models


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def originals() -> OriginalModels:
    return load_original_models()


def test_every_list_belongs_to_a_type_of_one_api(catalogue: Catalogue, originals: OriginalModels) -> None:
    for key in originals.by_key:
        provider = catalogue.by_key(key)
        assert provider is not None, key
        assert not provider.addition, key


def test_no_model_that_one_api_named_has_been_forgotten(catalogue: Catalogue, originals: OriginalModels) -> None:
    for provider in catalogue.providers:
        if provider.key in originals.by_key:
            assert set(originals.of(provider)) <= {*provider.models, *provider.former_models}, provider.key


def test_types_of_openais_format_had_openais_models(catalogue: Catalogue, originals: OriginalModels) -> None:
    for key in ("api2d", "ai360", "azure", "openrouter", "openaicompatible", "aiproxylibrary"):
        provider = catalogue.by_key(key)
        assert provider is not None
        assert originals.of(provider) == originals.by_key["openai"]
        assert len(originals.of(provider)) == 106


def test_types_that_one_api_did_not_have_show_what_they_offer(
    catalogue: Catalogue, originals: OriginalModels
) -> None:
    cerebras = catalogue.by_key("cerebras")
    assert cerebras is not None
    assert originals.of(cerebras) == cerebras.models
