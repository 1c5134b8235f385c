"""Which prices of the tables differ from one-api's, and where they come from: `tables/revised.toml`."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "revised.toml"


def load_revised() -> Mapping[str, Mapping[str, str]]:
    """Return the source of each revised price, by table and model. `ValueError` if the file is damaged."""
    text = (resources.files("adapters.pricing") / "tables" / FILE_NAME).read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), type=dict[str, dict[str, str]])
