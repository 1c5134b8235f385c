"""Changing price tables: one line a model, in the form in which they are kept, so that a diff shows what changed."""

from __future__ import annotations

import json
import re
import tomllib
from fractions import Fraction
from typing import TYPE_CHECKING

import msgspec

from adapters.pricing.revised import FILE_NAME
from adapters.pricing.tables import ModelRow
from scripts.refresh_.compare import text
from scripts.refresh_.source import SOURCE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from pathlib import Path

    from scripts.refresh_.compare import Change
    from scripts.refresh_.source import Found

_ORDER = (
    "unit", "in", "out", "cached", "write_5m", "write_1h", "call", "tiers", "windows", "audio", "image", "video",
    "embedding", "max_tokens",
)  # fmt: skip
_BARE = re.compile(r"[A-Za-z0-9_-]+")

Table = dict[str, dict[str, object]]


class NotAddable(ValueError):
    """A model that cannot be added without knowing more than the source tells."""


def changed(table: Table, changes: Iterable[Change]) -> None:
    """Carry `changes` out on a table."""
    for change in changes:
        row = table[change.model]
        *parents, last = change.path.split(".")
        place = row
        for name in parents:
            place = place.setdefault(name, {})  # type: ignore[assignment]  # JSON objects all the way
        if change.value == []:
            place.pop(last, None)
        else:
            place[last] = change.value
        _name_unit(row)
        table[change.model] = _in_order(row)


def added(table: Table, model: str, found: Found) -> None:
    """Add a model with what the source knows of it. Raises `NotAddable`."""
    row: dict[str, object] = {path: text(value) for path, value in found.usd.items()}
    if found.image_out is not None or found.image_in is not None:
        raise NotAddable("has prices per image, which the source does not tell")
    if found.by_the_clock:
        raise NotAddable("is priced by the hour of the day")
    if found.second is not None and not found.usd:
        row = {"unit": "audio_second", "audio": {"second": text(found.second)}}
    elif "in" not in row:
        raise NotAddable("has no price per token")
    row.setdefault("out", "0") if "in" in row else None
    if found.steps:
        row["tiers"] = [
            {"from_input": step.from_input} | {path: text(value) for path, value in step.usd.items()}
            for step in found.steps
        ]
    if found.audio_in is not None and found.usd.get("in"):
        row["audio"] = _audio(found.usd["in"], found.audio_in, found.audio_out)
    _name_unit(row)
    table[model] = _in_order(row)


def _audio(text_in: Decimal, audio_in: Decimal, audio_out: Decimal | None) -> dict[str, str]:
    """Sound by the price of text, as the tables have it; without a price for spoken answers, theirs is not told."""
    ratios = {"input_ratio": text(Fraction(audio_in) / Fraction(text_in))}
    if audio_out is not None and audio_in:
        ratios["output_ratio"] = text(Fraction(audio_out) / Fraction(audio_in))
    return ratios


def _name_unit(row: dict[str, object]) -> None:
    is_free = row.get("in", "0") == "0" and row.get("out", "0") == "0"
    if row.get("unit") == "free" and not is_free:
        del row["unit"]
    elif "unit" not in row and is_free:
        row["unit"] = "free"


def _in_order(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in _ORDER if name in row}


def read_table(path: Path) -> Table:
    """Return a table as it is written."""
    table: Table = json.loads(path.read_text("utf-8"))
    return table


def write_table(path: Path, table: Table) -> None:
    """Write a table. Raises `msgspec.ValidationError`, and writes nothing, if the gateway could not read it."""
    lines = (
        f"  {json.dumps(model, ensure_ascii=False)}: {json.dumps(table[model], ensure_ascii=False)}"
        for model in sorted(table)
    )
    written = "{\n" + ",\n".join(lines) + "\n}\n"
    msgspec.json.decode(written, type=dict[str, ModelRow])
    path.write_text(written, "utf-8")


def chosen_by_people(folder: Path, family: str) -> frozenset[str]:
    """Return the models of `family` whose prices have another source than this command's."""
    known: dict[str, dict[str, str]] = tomllib.loads((folder / FILE_NAME).read_text("utf-8"))
    return frozenset(model for model, source in known.get(family, {}).items() if not source.startswith(SOURCE_NAME))


def note_sources(folder: Path, family: str, models: Iterable[str], source: str) -> None:
    """Note in `revised.toml` where the prices of `models` come from."""
    path = folder / FILE_NAME
    old = path.read_text("utf-8")
    known: dict[str, dict[str, str]] = tomllib.loads(old)
    known.setdefault(family, {}).update(dict.fromkeys(models, source))
    head = old[: old.index("\n[")] if "\n[" in old else old.rstrip("\n")
    parts = [head.rstrip("\n")]
    for name in sorted(known):
        lines = (f"{_key(model)} = {json.dumps(known[name][model])}" for model in sorted(known[name]))
        parts.append(f"\n[{_key(name)}]\n" + "\n".join(lines))
    path.write_text("\n".join(parts) + "\n", "utf-8")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
