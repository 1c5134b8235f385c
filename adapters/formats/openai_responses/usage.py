"""The `usage` of the Responses API, and our disjoint buckets.

OpenAI counts inclusively: cached and written tokens are part of `input_tokens`, reasoning of `output_tokens`. Hosted
tools are billed apart, by use: uses are counted from `tool_usage` where it is told, else from the output items.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from adapters.formats.reading import count, is_array, is_object
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_TOOL_OF_ITEM = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
}
_REASONING_NAMES = ("o1", "o3", "o4", "gpt-5", "gpt-6")


def read_usage(response: JsonObject) -> Usage | None:
    """Return the buckets of a response object, or `None` when it reports nothing."""
    usage = response.get("usage")
    if not is_object(usage):
        return None
    total_in, total_out = count(usage, "input_tokens"), count(usage, "output_tokens")
    if not total_in and not total_out:
        return None
    before, after = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    before = before if is_object(before) else {}
    after = after if is_object(after) else {}
    cached = min(count(before, "cached_tokens"), total_in)
    written = min(count(before, "cache_write_tokens"), total_in - cached)
    reasoning = min(count(after, "reasoning_tokens"), total_out)
    return Usage(
        input=total_in - cached - written,
        cached_read=cached,
        cache_write_5m=written,
        output=total_out - reasoning,
        reasoning=reasoning,
        tool_calls=_tool_calls(response),
    )


def _tool_calls(response: JsonObject) -> tuple[tuple[str, int], ...]:
    output = response.get("output")
    uses: Counter[str] = Counter()
    for item in output if is_array(output) else ():
        if is_object(item) and isinstance(kind := item.get("type"), str) and (name := _TOOL_OF_ITEM.get(kind)):
            uses[name] += _is_billed(item)
    told = response.get("tool_usage")
    search = told.get("web_search") if is_object(told) else None
    if is_object(search) and search.get("num_requests") is not None:
        uses["web_search"] = count(search, "num_requests")
    searches = uses.pop("web_search", 0)
    if searches:
        uses[_search_name(response)] = searches
    return tuple(sorted((name, uses[name]) for name in uses if uses[name]))


def _is_billed(item: JsonObject) -> bool:
    """Of a web search, only the search itself costs: opening a page and looking through it do not."""
    action = item.get("action")
    return not is_object(action) or action.get("type") in (None, "search")


def _search_name(response: JsonObject) -> str:
    """The older preview tool has prices of its own, which depend on the kind of model."""
    tools = response.get("tools")
    for tool in tools if is_array(tools) else ():
        kind = tool.get("type") if is_object(tool) else None
        if isinstance(kind, str) and kind.startswith("web_search_preview"):
            model = response.get("model")
            thinks = isinstance(model, str) and model.startswith(_REASONING_NAMES)
            return "web_search_preview_reasoning" if thinks else "web_search_preview_non_reasoning"
    return "web_search"


def write_usage(usage: Usage) -> JsonObject:
    """Return `usage` as OpenAI writes it."""
    total_in, total_out = usage.prompt_total, usage.completion_total
    return {
        "input_tokens": total_in,
        "input_tokens_details": {
            "cached_tokens": usage.cached_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": total_out,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": total_in + total_out,
    }
