"""The table of variables as text for `one-api serve --help` and as Markdown for the docs."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from gateway.config.settings import SPECS

if TYPE_CHECKING:
    from gateway.config.specs import Spec

_INTRODUCTION = """\
# Configuration

The gateway is configured by environment variables. They may also stand in a file `.env` in the working directory,
as `NAME=value` lines; the real environment wins. Flags (`--port`, `--log-dir`) are for what neither of them says.

Names, meanings and defaults are those of one-api, so its environment can be kept as it is. Variables marked **new**
are the gateway's own.

- A wrong value stops the program before it opens a port, with exit code 2. The message names every wrong variable,
  what was read, and what was expected.
- An empty value counts as a missing one, but makes a boolean false, a list empty, and `LOG_DIR` no folder.
- Booleans are true when they say `true` in any case. `false`, `0` and empty are false. Anything else counts as false
  and is warned of, as in one-api; for those marked new it is an error.
- `one-api check` shows what is in force, with secrets hidden, and tries the database and Redis.

<!-- Made by scripts/docs from gateway/config. Do not edit. -->
"""


def as_text(width: int) -> str:
    """Return all variables for a terminal of `width` columns."""
    lines: list[str] = []
    for group, specs in groupby(SPECS, key=lambda spec: spec.group):
        lines += ["", f"{group}:"]
        for spec in specs:
            unit = f" {spec.variable.unit}" if spec.variable.unit else ""
            lines.append(f"  {spec.name}  ({spec.kind}, default {spec.default_shown or 'empty'}{unit})")
            lines += textwrap.wrap(
                _told(spec).replace("**", ""), max(width, 40), initial_indent=" " * 6, subsequent_indent=" " * 6
            )
    return "\n".join(lines).lstrip("\n") + "\n"


def as_markdown() -> str:
    """Return the page `docs/configuration.md`."""
    parts = [_INTRODUCTION]
    for group, specs in groupby(SPECS, key=lambda spec: spec.group):
        parts.append(f"\n## {group}\n\n| variable | type | default | meaning |\n|---|---|---|---|\n")
        parts += [_row(spec) for spec in specs]
    return "".join(parts)


def _row(spec: Spec) -> str:
    kind = f"{spec.kind}, {spec.variable.unit}" if spec.variable.unit else spec.kind
    names = " or ".join(f"`{name}`" for name in spec.names)
    new = "" if spec.variable.is_original else " **new**"
    default = spec.default_shown.replace(",", ", ")
    if default and not default.startswith("("):
        default = f"`{default}`"
    return f"| {names}{new} | {kind} | {default} | {_told(spec)} |\n".replace("|  |", "| |")


def _told(spec: Spec) -> str:
    variable = spec.variable
    told = variable.meaning
    if variable.choices:
        told += f" One of {', '.join(f'`{choice}`' for choice in variable.choices)}."
    if variable.no_effect:
        told += f" Accepted, without effect: {variable.no_effect}."
    return told
