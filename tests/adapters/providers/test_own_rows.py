"""A provider of one's own is a row in a folder, and so is a price."""

from fractions import Fraction
from pathlib import Path

import pytest

from adapters.pricing.tables import TableError
from adapters.providers.catalogue import CatalogueError, load_catalogue

ROW = """
[[provider]]
id = 1000
key = "acme"
name = "Acme"
format = "openai_chat"
owner = "acme"
prices = "acme"
base_url = "https://llm.acme.example/v1"
url = "{base_url}/{path}"
endpoints = ["chat_completions", "embeddings", "responses", "messages"]
models = ["acme-large"]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "acme.toml").write_text(ROW)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "acme.json").write_text('{"acme-large": {"in": "0.4", "out": "1.6"}}')
    return tmp_path


def test_own_rows_and_prices_join_the_others(own: Path) -> None:
    catalogue = load_catalogue(own=own)
    acme = catalogue.provider(1000)
    assert acme is not None
    assert acme.serves("messages")
    assert catalogue.owner_of("acme-large") == "acme"
    assert catalogue.prices.resolve(1000, "acme-large").rates.ratio == Fraction("0.4") / 2
    assert len(catalogue.providers) == len(load_catalogue().providers) + 1


def test_an_own_line_takes_the_place_of_the_installed_one(own: Path) -> None:
    (own / "prices" / "openai.json").write_text('{"gpt-4o": {"in": "9", "out": "9"}}')
    prices = load_catalogue(own=own).prices
    assert prices.resolve(1, "gpt-4o").rates.ratio == Fraction(9, 2)
    assert (
        prices.resolve(1, "gpt-4o-mini").rates.ratio == load_catalogue().prices.resolve(1, "gpt-4o-mini").rates.ratio
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id = 1000", "id = 58"), "id: providers of your own begin at 1000"),
        (('key = "acme"', 'key = "openai"'), "id 1000 or key openai is taken"),
        (('prices = "acme"', 'prices = "other"'), "prices: there is no table other"),
        (('"chat_completions"', '"chat"'), "endpoints: unknown name chat"),
    ],
)
def test_a_bad_own_row_is_named_with_its_file(own: Path, change: tuple[str, str], message: str) -> None:
    (own / "acme.toml").write_text(ROW.replace(*change))
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(own=own)
    assert message in str(caught.value)
    assert str(own / "acme.toml") in str(caught.value)


def test_a_bad_own_table_is_named_with_its_file(own: Path) -> None:
    (own / "prices" / "acme.json").write_text('{"acme-large": {"in": 0.4}}')
    with pytest.raises(TableError, match=r"acme\.json"):
        load_catalogue(own=own)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="there is no such folder"):
        load_catalogue(own=tmp_path / "none")
