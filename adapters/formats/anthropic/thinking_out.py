"""How much Claude shall think: `thinking` and `output_config.effort`, made of any format's wishes.

Claude refuses thinking in some company: a forced tool, other than default sampling, less than 1,024 tokens for it,
and a tool loop whose own thoughts are missing. A converted request then goes without, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adapters.formats.effort import budget_of, effort_of
from adapters.formats.errors import FormatError
from adapters.formats.names import name_of
from adapters.formats.neutral.parts import Reasoning, ToolCall, ToolResult
from adapters.formats.neutral.requests import ReasoningOptions

if TYPE_CHECKING:
    from adapters.formats.anthropic.models import Abilities
    from adapters.formats.neutral.encoding import Dropped, RequestOptions
    from adapters.formats.neutral.requests import Effort, Request
    from adapters.formats.neutral.terms import JsonObject

_LEAST_BUDGET = 1024


class Thinking(NamedTuple):
    """What to write. `max_tokens` includes the room for thoughts."""

    thinking: JsonObject | None
    effort: str | None
    max_tokens: int

    @property
    def is_on(self) -> bool:
        """Whether the model will think."""
        return self.thinking is not None and self.thinking["type"] not in ("disabled", "between_tools")


def thinking_for(request: Request, model: Abilities, options: RequestOptions, dropped: Dropped) -> Thinking:
    """Return how the model shall think. Raises `FormatError` when the client's limit has no room for it."""
    limit = request.max_output_tokens
    wanted = request.reasoning
    if wanted is None:
        wanted = ReasoningOptions(enabled=True, shown=True) if options.thinking else ReasoningOptions()
    if request.format == "anthropic":
        if wanted.enabled and not wanted.adaptive and _loop_lacks_thoughts(request):
            # Another model took the last step.
            dropped.add(f"{name_of('reasoning', request.format)}.signature")
            return Thinking(None, None, limit or options.default_max_tokens)
        return _as_asked(wanted, limit or options.default_max_tokens)
    name = name_of("reasoning", request.format)
    if _is_off(wanted):
        can = model.thinking_by_budget or model.thinking_adaptive
        if can and not model.thinking_off:
            dropped.add(name)
        off: JsonObject | None = {"type": model.thinking_off} if can and model.thinking_off else None
        return Thinking(off, None, limit or options.default_max_tokens)
    if wanted == ReasoningOptions(shown=wanted.shown, summary=wanted.summary):
        return Thinking(None, None, limit or options.default_max_tokens)
    by_budget = wanted.budget_tokens is not None and wanted.budget_tokens > 0
    adapts = model.thinking_adaptive and not (by_budget and model.thinking_by_budget)
    if reason := _forbidden(request, model, adapts=adapts):
        dropped.add(name if reason == "model" else f"{name}.{reason}")
        return Thinking(None, None, limit or options.default_max_tokens)
    shown: JsonObject = {} if wanted.shown is None else {"display": "summarized" if wanted.shown else "omitted"}
    if adapts:
        effort = effort_of(wanted)
        written = _effort(effort, model) if effort else None
        return Thinking({"type": "adaptive"} | shown, written, limit or options.default_max_tokens)
    return _by_budget(wanted, limit, options, name, dropped)


def _as_asked(wanted: ReasoningOptions, max_tokens: int) -> Thinking:
    """Claude's own client: nothing is changed."""
    thinking: JsonObject | None = None
    if wanted.adaptive:
        thinking = {"type": "adaptive"}
    elif wanted.enabled:
        thinking = {"type": "enabled"}
        if wanted.budget_tokens is not None:
            thinking["budget_tokens"] = wanted.budget_tokens
    elif wanted.enabled is False:
        thinking = {"type": "disabled"}
    if thinking is not None and wanted.shown is not None and thinking["type"] != "disabled":
        thinking["display"] = "summarized" if wanted.shown else "omitted"
    return Thinking(thinking, wanted.effort, max_tokens)


def _is_off(wanted: ReasoningOptions) -> bool:
    return wanted.enabled is False or wanted.effort == "none" or wanted.budget_tokens == 0


def _forbidden(request: Request, model: Abilities, *, adapts: bool) -> str:
    """Return what stands in the way of thinking, or nothing."""
    if not (model.thinking_by_budget or model.thinking_adaptive):
        return "model"
    is_forced = request.tools and request.tool_choice is not None and request.tool_choice.mode == "required"
    if is_forced and model.forced_tools:
        return "tool_choice"
    if not adapts and _loop_lacks_thoughts(request):
        return "signature"
    return ""


def _loop_lacks_thoughts(request: Request) -> bool:
    """Whether the turn that is going on has calls without Claude's own thoughts in front of them."""
    messages = request.messages
    if not messages or not any(isinstance(part, ToolResult) for part in messages[-1].parts):
        return False
    for message in reversed(messages[:-1]):
        if message.role != "assistant":
            return False
        if any(isinstance(part, ToolCall) for part in message.parts):
            first = message.parts[0]
            return not (
                isinstance(first, Reasoning)
                and first.signature_format == "anthropic"
                and (first.signature or first.redacted)
            )
    return False


def _effort(effort: Effort, model: Abilities) -> str:
    if effort == "minimal":
        return "low"
    return "high" if effort == "xhigh" and not model.xhigh else effort


def _by_budget(
    wanted: ReasoningOptions, limit: int | None, options: RequestOptions, name: str, dropped: Dropped
) -> Thinking:
    budget = budget_of(wanted)
    if budget is None or budget < _LEAST_BUDGET:
        budget = _LEAST_BUDGET
    if limit is None:
        return Thinking(_enabled(budget), None, options.default_max_tokens + budget)
    if limit <= _LEAST_BUDGET:
        if wanted.effort is None:
            raise FormatError(f"must be greater than {_LEAST_BUDGET} when thinking is on", path="max_tokens")
        dropped.add(name)
        return Thinking(None, None, limit)
    if wanted.budget_tokens is None:
        # A level is no number: the answer keeps half of the client's limit, as far as Claude's least allows it.
        budget = min(budget, max(_LEAST_BUDGET, limit // 2))
    return Thinking(_enabled(budget), None, limit)


def _enabled(budget: int) -> JsonObject:
    return {"type": "enabled", "budget_tokens": budget}
