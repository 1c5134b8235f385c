"""What Claude models of different age take, as far as a converted request must know.

Clients of other formats cannot know these rules, so that a request made of theirs has to keep them; a Claude
client's own request is passed on as it is. Sources: https://docs.anthropic.com/en/docs/build-with-claude/
extended-thinking, .../adaptive-thinking, .../effort, .../structured-outputs, and the migration guides of each model
(https://platform.claude.com/docs/en/models/opus-5-5/migration-guide and its siblings).
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_NO_FORCED_TOOLS = {"fable": (5, 1), "mythos": (5, 1), "opus": (5, 5), "sonnet": (5, 5)}
"""By family: the first version that refuses them."""
_FAMILY = re.compile(r"fable|haiku|mythos|opus|sonnet")
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?")


class Abilities(NamedTuple):
    """What a model takes. A name without a version counts as new, except that it keeps its sampling."""

    thinking_by_budget: bool
    """`thinking` with `budget_tokens`: from 3.7 on, refused from 4.7 on."""
    thinking_adaptive: bool
    """`thinking` of type `adaptive` and `output_config.effort`: from 4.6 on."""
    sampling: bool
    """`temperature`, `top_p`, `top_k`: refused from 4.7 on."""
    both_temperature_and_top_p: bool
    """At once: refused from 4.1 on."""
    structured: bool
    """`output_config.format` and `strict` tools: from 4.5 on."""
    xhigh: bool
    """The effort `xhigh`: from 4.7 on."""
    thinking_off: Literal["disabled", "between_tools", ""] = "disabled"
    """The type of `thinking` that asks for none; empty: it always thinks. Opus from 5.5 on, Fable and Mythos do;
    Sonnet from 5.5 on keeps to notes between tools."""
    forced_tools: bool = True
    """`tool_choice` of type `any` or `tool`: Opus and Sonnet refuse it from 5.5 on, Fable and Mythos from 5.1 on."""


def abilities(model: str) -> Abilities:
    """Return what `model` takes, by the version in its name."""
    found = _VERSION.search(model.lower())
    named = _FAMILY.search(model.lower())
    family = named[0] if named else ""
    if found is None:
        return Abilities(
            thinking_by_budget=False,
            thinking_adaptive=True,
            sampling=True,
            both_temperature_and_top_p=True,
            structured=True,
            xhigh=False,
            thinking_off=_off(family, (0, 0)),
        )
    version = (int(found[1]), int(found[2] or 0))
    return Abilities(
        thinking_by_budget=(3, 7) <= version < (4, 7),
        thinking_adaptive=version >= (4, 6),
        sampling=version < (4, 7),
        both_temperature_and_top_p=version < (4, 1),
        structured=version >= (4, 5),
        xhigh=version >= (4, 7),
        thinking_off=_off(family, version),
        forced_tools=version < _NO_FORCED_TOOLS.get(family, (99, 0)),
    )


def _off(family: str, version: tuple[int, int]) -> Literal["disabled", "between_tools", ""]:
    if family in ("fable", "mythos") or (family == "opus" and version >= (5, 5)):
        return ""
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"
