"""Which levels of effort models of OpenAI's formats know, and the nearest one to a wish in another format.

Clients of OpenAI's formats say a level that they know of the model, and it stays. Clients of Claude's and Gemini's
ask every model to think, in their own words. Sources: https://platform.openai.com/docs/guides/reasoning and the page
of each model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.formats.neutral.requests import Effort
    from adapters.formats.neutral.terms import Format

ASKING_ALL: tuple[Format, ...] = ("anthropic", "gemini")
"""Clients of these formats ask every model to think, whatever it is: Claude Code does."""
_THOUGHTLESS = re.compile(r"(?:[\w.-]+/)*(?:gpt-3\.5|gpt-4|chatgpt-|gpt-5[\d.]*-chat)")
_GPT = re.compile(r"(?:[\w.-]+/)*gpt-(\d+)(?:\.(\d+))?(?!\w)(-codex)?(-max)?")
_USUAL: tuple[Effort, ...] = ("low", "medium", "high")
_HEIGHTS: dict[Effort, float] = {
    "none": 0,
    "minimal": 1,
    "low": 2,
    "medium": 3,
    "high": 4,
    "xhigh": 5,
    # Further from `xhigh` than that is from `high`: what costs the most is not chosen by rounding.
    "max": 6.5,
}


def is_thoughtless(model: str) -> bool:
    """Whether `model` is one of OpenAI's that refuse to be asked to think."""
    return _THOUGHTLESS.match(model) is not None


def levels_of(model: str) -> tuple[Effort, ...]:
    """Return the levels that `model` knows; of models that are not OpenAI's, those that most servers know."""
    version = _version(model)
    if version is None or version < (5, 0):
        return _USUAL
    is_codex = "-codex" in model
    if version == (5, 0):
        return _USUAL if is_codex else ("minimal", *_USUAL)
    return (*_USUAL, "xhigh") if version >= (5, 2) or "-codex-max" in model else _USUAL


def least_of(model: str) -> Effort | None:
    """Return the level at which `model` thinks least, where it knows one that is next to nothing."""
    version = _version(model)
    if version is None or version < (5, 0) or "-codex" in model or "-pro" in model:
        return None
    return "minimal" if version == (5, 0) else "none"


def nearest(effort: Effort, levels: Sequence[Effort]) -> Effort:
    """Return the level that is nearest to `effort`, the higher of two that are equally near."""
    return min(levels, key=lambda level: (abs(_HEIGHTS[level] - _HEIGHTS[effort]), -_HEIGHTS[level]))


def _version(model: str) -> tuple[int, int] | None:
    found = _GPT.match(model)
    return None if found is None else (int(found[1]), int(found[2] or 0))
