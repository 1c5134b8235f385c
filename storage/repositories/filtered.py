"""What somebody looks for in a short list of tokens or accounts; `people_lists` has the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows: `text` is looked for in names and, if it is a number, in ids; columns must equal their values."""

    text: str = ""
    equal: Mapping[str, int | str] | None = None
