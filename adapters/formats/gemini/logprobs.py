"""Log probabilities: Gemini's two parallel lists, and Chat's one list of tokens with alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.reading import is_array, is_object

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject


def read_logprobs(candidate: JsonObject) -> JsonObject | None:
    """Return `logprobsResult` of a candidate in Chat's shape; `None` without one."""
    result = candidate.get("logprobsResult")
    chosen = result.get("chosenCandidates") if is_object(result) else None
    if not is_object(result) or not is_array(chosen) or not chosen:
        return None
    tops = result.get("topCandidates")
    content: list[object] = []
    for place, item in enumerate(chosen):
        top = tops[place] if is_array(tops) and place < len(tops) else None
        others = top.get("candidates") if is_object(top) else None
        entry = _token(item)
        entry["top_logprobs"] = [_token(other) for other in others] if is_array(others) else []
        content.append(entry)
    return {"content": content}


def _token(item: object) -> JsonObject:
    found = item if is_object(item) else {}
    token = found.get("token")
    said = token if isinstance(token, str) else ""
    raw = list(said.encode("utf-8", "surrogatepass"))
    return {"token": said, "logprob": found.get("logProbability") or 0, "bytes": raw}


def write_logprobs(logprobs: JsonObject) -> JsonObject | None:
    """Return `logprobsResult` for log probabilities in Chat's shape; `None` if there are none."""
    content = logprobs.get("content")
    if not is_array(content) or not content:
        return None
    tokens = [item for item in content if is_object(item)]
    return {
        "chosenCandidates": [_candidate(item) for item in tokens],
        "topCandidates": [{"candidates": [_candidate(other) for other in _others(item)]} for item in tokens],
    }


def _others(item: JsonObject) -> list[JsonObject]:
    others = item.get("top_logprobs")
    return [other for other in others if is_object(other)] if is_array(others) else []


def _candidate(item: JsonObject) -> JsonObject:
    return {"token": item.get("token", ""), "logProbability": item.get("logprob", 0)}
