"""Adding models to what a row of the catalogue offers."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LIST = re.compile(r"^models = \[\n(?P<names>.*?)^\]\n", re.MULTILINE | re.DOTALL)


def offer(folder: Path, family: str, models: Iterable[str]) -> list[str]:
    """Add `models` to the rows whose prices are those of `family`; return the names of the files that changed.

    Rows that borrow another's models are left alone.
    """
    new = list(models)
    touched = []
    for path in sorted(folder.glob("*.toml")):
        parts = re.split(r"(?=^\[\[provider\]\]$)", path.read_text("utf-8"), flags=re.MULTILINE)
        written = "".join(_with_models(part, family, new) for part in parts)
        if written != path.read_text("utf-8"):
            tomllib.loads(written)
            path.write_text(written, "utf-8")
            touched.append(path.name)
    return touched


def _with_models(part: str, family: str, new: list[str]) -> str:
    rows = tomllib.loads(part).get("provider", [])
    if not rows or rows[0].get("prices") != family or "models" not in rows[0]:
        return part
    names = sorted({*rows[0]["models"], *new}, key=lambda name: (name.lower(), name))
    listed = "".join(f'  "{name}",\n' for name in names)
    return _LIST.sub(lambda _: f"models = [\n{listed}]\n", part, count=1)
