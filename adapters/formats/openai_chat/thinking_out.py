"""How much a model shall think, in the words of one server with OpenAI's format.

OpenAI has `reasoning_effort`; others added members of their own for the same: a switch (`thinking`: DeepSeek,
Moonshot, Zhipu, Doubao), a switch and a budget (`enable_thinking`, `thinking_budget`: Qwen's), an object of all
(`reasoning`: OpenRouter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.effort import budget_of, effort_of
from adapters.formats.levels import ASKING_ALL, is_thoughtless, least_of, levels_of, nearest
from adapters.formats.names import name_of

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped, RequestOptions
    from adapters.formats.neutral.requests import Effort, ReasoningOptions, Request
    from adapters.formats.neutral.terms import JsonObject


def write_reasoning(
    body: JsonObject, request: Request, model: str, options: RequestOptions, dropped: Dropped
) -> None:
    """Write what the client wants of the model's thoughts, as the provider has it."""
    wanted = request.reasoning
    if wanted is None:
        return
    is_off = wanted.enabled is False or wanted.effort == "none"
    match options.reasoning_style:
        case "object":
            _write_object(body, wanted)
            return
        case "switch" | "switch_and_effort":
            _write_switch(body, request, wanted, options, is_off=is_off)
        case "budget":
            body["enable_thinking"] = not is_off
            budget = budget_of(wanted)
            if not is_off and budget is not None and budget > 0:
                body["thinking_budget"] = budget
        case "effort":
            _write_effort(body, request, wanted, model, dropped)
    if wanted.summary and wanted.summary != "auto":
        dropped.add(f"{name_of('reasoning', request.format)}.summary")


def _write_object(body: JsonObject, wanted: ReasoningOptions) -> None:
    written: JsonObject = {}
    if wanted.effort:
        written["effort"] = wanted.effort
    elif wanted.budget_tokens:
        written["max_tokens"] = wanted.budget_tokens
    elif wanted.enabled is not None:
        written["enabled"] = wanted.enabled
    if wanted.shown is not None:
        written["exclude"] = not wanted.shown
    if written:
        body["reasoning"] = written


def _write_switch(
    body: JsonObject, request: Request, wanted: ReasoningOptions, options: RequestOptions, *, is_off: bool
) -> None:
    effort = effort_of(wanted)
    if is_off or wanted.enabled or effort is not None:
        body["thinking"] = {"type": "disabled" if is_off else "enabled"}
    if options.reasoning_style == "switch_and_effort" and effort is not None and not is_off:
        body["reasoning_effort"] = _level(effort, request, options.efforts or ("low", "medium", "high"))


def _write_effort(body: JsonObject, request: Request, wanted: ReasoningOptions, model: str, dropped: Dropped) -> None:
    effort = effort_of(wanted)
    asks_all = request.format in ASKING_ALL
    if asks_all and is_thoughtless(model):
        if wanted.enabled is not False:
            dropped.add(name_of("reasoning", request.format))
        return
    if effort is not None:
        body["reasoning_effort"] = _level(effort, request, levels_of(model))
    elif wanted.enabled is False:
        # Most models of this format do not know "none", and refuse the member altogether.
        least = least_of(model)
        if least is None:
            dropped.add(name_of("reasoning", request.format))
        else:
            body["reasoning_effort"] = least


def _level(effort: Effort, request: Request, levels: tuple[Effort, ...]) -> Effort:
    return nearest(effort, levels) if request.format in ASKING_ALL else effort
