"""How an option is shown, and with which others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Control = Literal[
    "text", "long", "url", "list", "switch", "amount", "number", "secret", "groups", "theme", "names",
    "choice",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """One option: its key, what it is called, how it is shown."""

    key: str
    title: str
    control: Control = "text"
    help: str = ""
    part: str = ""
    """The heading that it stands under within its section."""
    choices: tuple[tuple[str, str], ...] = ()
    """What a choice can be, each with its words."""


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that are saved together."""

    key: str
    title: str
    settings: tuple[Setting, ...]
    variables: tuple[str, ...] = ()
    """Environment variables that belong here; they are shown, and changed where the gateway is started."""
