"""How much a Gemini model should think: levels since version 3, budgets in 2.5, nothing before.

Source: https://ai.google.dev/gemini-api/docs/thinking
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.effort import budget_of, effort_of
from adapters.formats.gemini.wire import is_gemma, makes_images, version_of
from adapters.formats.names import name_of
from adapters.formats.neutral.requests import ReasoningOptions

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped, RequestOptions
    from adapters.formats.neutral.requests import Effort, Request
    from adapters.formats.neutral.terms import JsonObject

_LEVELS_SINCE = (3, 0)
_BUDGETS_SINCE = (2, 5)
_DYNAMIC = -1
_MOST_PRO, _MOST_FLASH = 32_768, 24_576
_LEAST_PRO, _LEAST_LITE = 128, 512
_LEVELS: dict[Effort, str] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_PRO_LEVELS = {"MINIMAL": "LOW", "MEDIUM": "HIGH"}
"""Pro models know two levels only."""


def write_thinking(
    config: JsonObject, request: Request, model: str, options: RequestOptions, dropped: Dropped
) -> None:
    """Set `thinkingConfig` as far as the model has it."""
    reasoning = request.reasoning
    if reasoning is None:
        if not options.thinking:
            return
        reasoning = ReasoningOptions(enabled=True, adaptive=True)
    version = version_of(model)
    if version < _BUDGETS_SINCE or is_gemma(model) or makes_images(model):
        if request.reasoning is not None and reasoning.enabled is not False and reasoning.effort != "none":
            dropped.add(name_of("reasoning", request.format))
        return
    written: JsonObject = {}
    if version >= _LEVELS_SINCE:
        level = _level(reasoning, model)
        if level:
            written["thinkingLevel"] = level
    else:
        budget = _budget(reasoning, model)
        if budget is not None:
            written["thinkingBudget"] = budget
    shown = _shown(reasoning)
    if shown is not None:
        written["includeThoughts"] = shown
    if written:
        config["thinkingConfig"] = written


def _level(reasoning: ReasoningOptions, model: str) -> str:
    effort: Effort | None = "none" if reasoning.enabled is False else effort_of(reasoning)
    if effort is None:
        return ""
    level = _LEVELS[effort]
    return _PRO_LEVELS.get(level, level) if "pro" in model else level


def _budget(reasoning: ReasoningOptions, model: str) -> int | None:
    is_pro = "pro" in model
    if reasoning.adaptive:
        return _DYNAMIC
    budget = 0 if reasoning.enabled is False else budget_of(reasoning)
    if budget is None:
        return _DYNAMIC if reasoning.enabled else None
    if budget < 0:
        return _DYNAMIC
    if budget == 0 and not is_pro:
        return 0
    least = _LEAST_PRO if is_pro else _LEAST_LITE if "lite" in model else 1
    return max(least, min(budget, _MOST_PRO if is_pro else _MOST_FLASH))


def _shown(reasoning: ReasoningOptions) -> bool | None:
    """Whoever asks a model to think sees its thoughts, unless they say otherwise."""
    if reasoning.shown is not None:
        return reasoning.shown
    if reasoning.enabled is False or reasoning.effort == "none":
        return None
    return True
