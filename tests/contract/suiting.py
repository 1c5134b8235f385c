"""Makes generated requests meet something: numbers of things that are there, names that exist, sensible bodies.

Without it nearly every request would be about things that do not exist. Every second request is left as it was
generated. Channels always get the mock's address: nothing else may be called from tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import schemathesis

from tests.support.provider import Answer, Received
from tests.support.sounds import wav

MODEL = "gpt-4o-mini"
KEPT = "resp_kept"
"""A response that the mock keeps."""
_RESPONSE = {
    "id": KEPT,
    "object": "response",
    "created_at": 1764000000,
    "status": "completed",
    "model": MODEL,
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
}
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
_NUMBERS = frozenset(("user_id", "token_id", "channel_id", "key_id", "code_id", "log_id", "budget_id"))
_OPTIONS = cycle(
    (
        {"key": "SystemName", "value": "Mine"},
        {"key": "RetryTimes", "value": "1"},
        {"key": "GroupRatio", "value": '{"default": 1, "vip": 1}'},
        {"key": "QuotaPerUnit", "value": "x"},
    )
)
_PERIODS = cycle(("day", "month"))
_STEPS = cycle(("disable", "enable", "promote", "demote", "delete"))


@dataclass
class Suiting:
    """Suits requests to a gateway with a mock provider behind it."""

    provider_url: str
    known: dict[str, Any] = field(default_factory=dict)
    """What is there and the actor's own, by the name that it has in paths and bodies."""
    _turns: Any = field(default_factory=count)

    def __call__(self, name: str, case: schemathesis.Case[Any], *, example: Any, nth: int) -> None:
        """Change the `nth` request to an operation in place. `example` is what the document gives for its body."""
        turn = next(self._turns)
        if nth % 2 == 0:
            if case.path_parameters:
                case.path_parameters = {
                    part: turn % 4 + 1 if nth % 4 == 2 and part in _NUMBERS else self.known.get(part, value)
                    for part, value in case.path_parameters.items()
                }
            if isinstance(case.body, dict):
                case.body = self._body(name, case.body, example, turn)
        if name in ("create_channels", "update_channel") and isinstance(case.body, dict):
            case.body = {**case.body, "base_url": self.provider_url}

    def _body(self, name: str, body: dict[str, Any], example: Any, turn: int) -> dict[str, Any]:
        found = {**example} if isinstance(example, dict) else {**body}
        if "model" in found:
            found["model"] = MODEL
        if "file" in found:
            found = {"file": wav(0.1), "model": MODEL}
        if "image" in found:
            found = {"image": _PNG, "prompt": "a lighthouse", "model": MODEL}
        if name in _OWN:
            found["id"] = self.known.get(_OWN[name], 1)
        if name == "redeem_code":
            found["key"] = self.known.get("code", "")
        if name == "create_budget":
            found["subject"] = str(self.known.get("token_id", 1))
        special = _BODIES.get(name)
        return found if special is None else found | special(turn)


_OWN = {
    "update_token": "token_id",
    "update_channel": "channel_id",
    "update_code": "code_id",
    "update_budget": "budget_id",
}
_BODIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "sign_in_by_password": lambda _: {"username": "spare2", "password": "password123"},
    "add_channel_keys": lambda turn: {"keys": f"sk-more-{turn}"},
    "create_channels": lambda turn: {"type": 1, "name": f"c{turn}", "key": "sk-mock", "models": MODEL},
    "create_user": lambda turn: {"username": f"new{turn}", "password": "password123", "display_name": "New"},
    "register_account": lambda turn: {"username": f"own{turn}", "password": "password123"},
    "update_user": lambda _: {"id": 3, "username": "spare1", "display_name": "Spare"},
    "update_self": lambda turn: {"username": f"me{turn}", "display_name": "Me", "password": ""},
    "manage_user": lambda _: {"username": "spare0", "action": next(_STEPS)},
    "top_up_user": lambda _: {"user_id": 4},
    "set_one_option": lambda _: next(_OPTIONS),
    # Large enough to refuse nothing of what follows.
    "create_budget": lambda _: {"kind": "token", "period": next(_PERIODS), "soft_quota": 0, "hard_quota": 10**12},
    "update_budget": lambda _: {"soft_quota": 10**11, "hard_quota": 10**12},
    "create_codes": lambda _: {"count": 2},
}


def answers(asked: Received) -> Answer:
    """Answer as a provider does where the mock has no words of its own."""
    if asked.path.startswith("/v1/images/"):
        return Answer(body={"created": 1764000000, "data": [{"b64_json": "AA=="}]})
    if asked.path.startswith("/v1/audio/trans"):
        return Answer(body={"text": "Hello."})
    if asked.path.startswith("/v1/responses"):
        return Answer(body={"id": KEPT, "deleted": True} if asked.method == "DELETE" else _RESPONSE)
    if asked.path.endswith("/billing/subscription"):
        return Answer(body={"object": "billing_subscription", "hard_limit_usd": 10})
    if asked.path.endswith("/billing/usage"):
        return Answer(body={"object": "list", "total_usage": 100})
    if asked.path == "/v1/rerank":
        return Answer(body={"results": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 3}})
    return Answer()


def example_of(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> Any:
    """Return the document's example of an operation's body, or `None`."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    for media in content.values():
        if "example" in media:
            return json.loads(json.dumps(media["example"]))
    return None
