"""Refreshing the catalogue: what differs is shown, what is taken over is exact and noted, nothing is lost."""

import json
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from adapters.pricing.book import PriceBook
from adapters.pricing.price import ModelConfig
from adapters.pricing.tables import ModelRow, load_tables
from scripts.refresh_.__main__ import main
from scripts.refresh_.compare import same, text
from scripts.refresh_.source import FAMILIES, Source

TABLE = {
    "claude-a": {"in": "3", "out": "15", "cached": "0.3"},
    "claude-b": {"in": "12/7", "out": "10"},
    "claude-by-hand": {"in": "9", "out": "9"},
    "claude-gone": {"in": "1", "out": "2"},
}
ROWS = """
[[provider]]
id = 14
key = "anthropic"
prices = "anthropic"
models = [
  "claude-a",
  "Claude-b",
]
"""
REVISED = """# Sources.

[anthropic]
claude-by-hand = "a letter from them"
"""


def usd(**figures: str) -> ModelPrice:
    return ModelPrice(**{f"{name}_mtok": Decimal(value) for name, value in figures.items()})


def model(name: str, prices: Any, **more: Any) -> ModelInfo:
    return ModelInfo(id=name, match=more.pop("match", ClauseEquals(name)), prices=prices, **more)


def snapshot(*models: ModelInfo) -> DataSnapshot:
    provider = Provider(id="anthropic", name="Anthropic", api_pattern="x", models=list(models))
    return DataSnapshot(providers=[provider], from_auto_update=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    tables = tmp_path / "adapters" / "pricing" / "tables"
    rows = tmp_path / "adapters" / "providers" / "rows"
    tables.mkdir(parents=True)
    rows.mkdir(parents=True)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in TABLE.items())
    (tables / "anthropic.json").write_text("{\n" + lines + "\n}\n")
    (tables / "revised.toml").write_text(REVISED)
    (rows / "anthropic.toml").write_text(ROWS)
    return tmp_path


def run(checkout: Path, data: DataSnapshot, *arguments: str) -> int:
    return main(["--provider", "anthropic", *arguments], root=checkout, snapshot=data)


def table_of(checkout: Path) -> Any:
    return json.loads((checkout / "adapters/pricing/tables/anthropic.json").read_text())


def contents(checkout: Path) -> dict[str, str]:
    return {str(p.relative_to(checkout)): p.read_text() for p in checkout.rglob("*") if p.is_file()}


NEWER = snapshot(
    model("claude-a", usd(input="2.5", output="15", cache_read="0.25", cache_write="3.125")),
    model("claude-by-hand", usd(input="1", output="1")),
)


def test_differences_are_shown_and_nothing_is_changed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(checkout)
    assert run(checkout, NEWER) == 1
    assert contents(checkout) == before
    shown = capsys.readouterr().out
    assert "2.5" in shown
    assert "claude-a" in shown
    assert "claude-by-hand" not in shown


def test_prices_are_taken_over_exactly_and_their_source_is_noted(checkout: Path) -> None:
    assert run(checkout, NEWER, "--write") == 0
    table = table_of(checkout)
    assert table["claude-a"] == {"in": "2.5", "out": "15", "cached": "0.25", "write_5m": "3.125"}
    assert {name: table[name] for name in TABLE if name != "claude-a"} == {
        name: row for name, row in TABLE.items() if name != "claude-a"
    }
    text = (checkout / "adapters/pricing/tables/revised.toml").read_text()
    assert text.startswith("# Sources.\n")
    noted = tomllib.loads(text)["anthropic"]
    assert noted["claude-by-hand"] == "a letter from them"
    assert noted["claude-a"].startswith("genai-prices ")
    assert run(checkout, NEWER) == 0


def test_only_the_lines_of_changed_models_change(checkout: Path) -> None:
    before = (checkout / "adapters/pricing/tables/anthropic.json").read_text().splitlines()
    run(checkout, NEWER, "--write")
    after = (checkout / "adapters/pricing/tables/anthropic.json").read_text().splitlines()
    assert len(before) == len(after)
    assert [a for a, b in zip(after, before, strict=True) if a != b] == [after[1]]


def test_models_the_source_does_not_know_stay(checkout: Path) -> None:
    assert run(checkout, snapshot(), "--write") == 0
    assert table_of(checkout) == TABLE


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("12/7", "1.714", True),
        ("0.0375", "0.038", True),
        ("0.125", "0.13", True),
        ("0.0945", "0.1", False),
        ("2.9", "3", False),
        ("3", "2.99", False),
        ("0", "0", True),
        ("0.5", "0", False),
    ],
)
def test_a_rounded_figure_does_not_replace_an_exact_one(ours: str, theirs: str, expected: bool) -> None:
    assert same(Fraction(*map(int, ours.split("/"))) if "/" in ours else Fraction(ours), Decimal(theirs)) is expected


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("3.00"), "3"),
        (Decimal("1E+1"), "10"),
        (Decimal("0.0000025"), "0.0000025"),
        (Fraction(1, 3), "1/3"),
        (Fraction(5, 8), "0.625"),
    ],
)
def test_figures_are_written_as_the_tables_read_them(value: Decimal | Fraction, written: str) -> None:
    assert text(value) == written


def test_a_name_that_fits_only_by_a_pattern_is_shown_and_left(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loose = snapshot(model("claude", usd(input="1", output="1"), match=ClauseStartsWith("claude-a")))
    assert run(checkout, loose, "--write") == 0
    assert "? claude" in capsys.readouterr().out
    assert table_of(checkout) == TABLE
    assert run(checkout, loose, "--write", "--loose") == 0
    assert table_of(checkout)["claude-a"]["in"] == "1"


def test_a_date_in_a_name_is_the_same_model(checkout: Path) -> None:
    dated = snapshot(model("claude-a-20250101", usd(input="1", output="15"), match=ClauseStartsWith("claude-a")))
    run(checkout, dated, "--write")
    assert table_of(checkout)["claude-a"]["in"] == "1"


def test_tiers_come_and_go_with_the_source(checkout: Path) -> None:
    tiered = ModelPrice(
        input_mtok=TieredPrices(base=Decimal(3), tiers=[Tier(start=200_000, price=Decimal(6))]),
        output_mtok=Decimal(15),
        cache_read_mtok=Decimal("0.3"),
    )
    run(checkout, snapshot(model("claude-a", tiered)), "--write")
    assert table_of(checkout)["claude-a"]["tiers"] == [
        {"from_input": 200_001, "in": "6", "out": "15", "cached": "0.3"}
    ]
    run(checkout, snapshot(model("claude-a", usd(input="3", output="15", cache_read="0.3"))), "--write")
    assert table_of(checkout) == TABLE


def test_a_price_is_the_one_of_today(checkout: Path) -> None:
    prices = [
        ConditionalPrice(prices=usd(input="7", output="7")),
        ConditionalPrice(StartDateConstraint(date(2020, 1, 1)), prices=usd(input="4", output="15")),
        ConditionalPrice(StartDateConstraint(date(2999, 1, 1)), prices=usd(input="5", output="15")),
    ]
    run(checkout, snapshot(model("claude-a", prices)), "--write")
    assert table_of(checkout)["claude-a"]["in"] == "4"


def test_prices_by_the_hour_are_left_alone(checkout: Path) -> None:
    night = ConditionalPrice(TimeOfDateConstraint(time(1), time(2)), prices=usd(input="1", output="1"))
    prices = [ConditionalPrice(prices=usd(input="2", output="2")), night]
    assert run(checkout, snapshot(model("claude-a", prices))) == 0


def test_new_models_are_offered_only_when_asked_for(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = snapshot(
        model(
            "claude-c", usd(input="1", output="5"), match=ClauseOr([ClauseEquals("claude-c"), ClauseEquals("c-2")])
        ),
        model("claude-old", usd(input="1", output="5"), deprecated=True),
    )
    assert run(checkout, new) == 0
    assert "claude-c" in capsys.readouterr().out
    assert run(checkout, new, "--add", "claude-*") == 1
    assert run(checkout, new, "--write", "--add", "claude-*") == 0
    assert table_of(checkout) == TABLE | {"claude-c": {"in": "1", "out": "5"}}
    row = tomllib.loads((checkout / "adapters/providers/rows/anthropic.toml").read_text())["provider"][0]
    assert row["models"] == ["claude-a", "Claude-b", "claude-c"]


def test_known_prices_can_be_kept_while_models_are_added(checkout: Path) -> None:
    new = snapshot(model("claude-a", usd(input="9", output="9")), model("claude-c", usd(input="1", output="5")))
    assert run(checkout, new, "--write", "--keep", "--add", "claude-c") == 0
    assert table_of(checkout) == TABLE | {"claude-c": {"in": "1", "out": "5"}}


def test_sound_is_added_by_the_price_of_text(checkout: Path) -> None:
    run(checkout, snapshot(model("claude-c", usd(input="1.5", output="5", input_audio="5"))), "--write", "--add", "*")
    assert table_of(checkout)["claude-c"]["audio"] == {"input_ratio": "10/3"}


def test_a_free_model_is_added_as_free(checkout: Path) -> None:
    run(checkout, snapshot(model("claude-c", usd(input="0", output="0"))), "--write", "--add", "*")
    assert table_of(checkout)["claude-c"]["unit"] == "free"


def test_a_model_that_the_source_prices_in_part_is_not_added(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(checkout, snapshot(model("claude-paints", usd(input="1", output_image="30"))), "--write", "--add", "*")
        == 0
    )
    assert "add it by hand" in capsys.readouterr().out
    assert table_of(checkout) == TABLE


def test_what_their_provider_retires_is_named_and_kept(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(checkout, snapshot(model("claude-gone", usd(input="1", output="2"), deprecated=True)), "--write") == 0
    assert "about to be switched off: claude-gone" in capsys.readouterr().out
    assert "claude-gone" in table_of(checkout)


def test_a_channels_own_price_outlives_a_refresh() -> None:
    installed = load_tables()

    def book(price: str) -> PriceBook:
        changed = {"anthropic": {"claude-a": ModelRow(input=price, output="15")}}
        return PriceBook(replace(installed, models={**installed.models, **changed}), families={14: "anthropic"})

    own = ModelConfig(ratio=Decimal(7))
    before, after = (book(price).resolve(14, "claude-a", own) for price in ("3", "2.5"))
    assert before.rates.ratio == after.rates.ratio == 7


def test_unknown_tables_are_refused(checkout: Path) -> None:
    assert main(["--provider", "none-such"], root=checkout, snapshot=snapshot()) == 2


def test_a_missing_table_is_an_error(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(checkout / "adapters/pricing")
    assert run(checkout, snapshot()) == 2
    assert "could not be refreshed" in capsys.readouterr().err


def test_the_packaged_data_can_be_compared_with_all_tables() -> None:
    from genai_prices.data_snapshot import get_snapshot

    source = Source(get_snapshot(), datetime.now(UTC))
    found = source.find("openai", "gpt-4o")
    assert found is not None
    assert found.is_sure
    assert found.usd["in"] == Decimal("2.5")
    loose = source.find("gemini", "gemini-1.5-flash-8b")
    assert loose is None or not loose.is_sure or loose.name == "gemini-1.5-flash-8b"
    assert all(list(source.names(family)) for family in FAMILIES)
