"""How much a model should think: OpenAI's levels, and the budgets of Claude and Gemini, as near as they compare.

Levels to budgets: minimal 1,024 tokens, low 2,048, medium 8,192, high 16,384, xhigh and max 32,768. Budgets to
levels: below 4,096 low, below 16,384 medium, else high: what is given one way comes back the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Effort, ReasoningOptions

_BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
_LOW_BELOW = 4096
_MEDIUM_BELOW = 16384


def effort_of(reasoning: ReasoningOptions) -> Effort | None:
    """Return the level that was asked for, by name or by budget; `None` if neither was."""
    if reasoning.effort is not None:
        return reasoning.effort
    budget = reasoning.budget_tokens
    if not budget or budget < 0 or reasoning.enabled is False:
        return None
    if budget < _LOW_BELOW:
        return "low"
    return "medium" if budget < _MEDIUM_BELOW else "high"


def budget_of(reasoning: ReasoningOptions) -> int | None:
    """Return the budget in tokens that was asked for, by number or by level; `None` if neither was."""
    if reasoning.budget_tokens is not None:
        return reasoning.budget_tokens
    return None if reasoning.effort is None else _BUDGETS[reasoning.effort]
