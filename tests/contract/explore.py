"""Calls every operation of a document as one actor and notes whatever is not as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.actors import CALL_LIMIT_S, Actor
from tests.contract.suiting import Suiting, example_of

SEED = 20260
GOOD, BAD = 4, 2
"""How many requests that the document allows, and that it forbids, an operation gets."""
# Not among them, on purpose: checks that want 4xx for bad data, 405 for wrong methods or 2xx for good data. The API
# answers bad data with 200 and `success: false`, and wrong methods with 404, as one-api does; see `wrong_methods`.
CHECKS: list[CheckFunction] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HONEST = (501, 502, 503)
"""Statuses above 499 that say what is so: nothing serves that, the provider failed, or nobody can serve now."""
FAILING_BY_DESIGN = frozenset(("debug_channel", "fix_channel"))
"""Answer 500 for a channel that is not there, as the original does; documented with the operations."""
LOSING = frozenset(("sign_out_everywhere", "update_self", "delete_self", "renew_access_token"))
"""Operations after which the actor may have lost account, session or access token."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@dataclass
class Findings:
    """What went wrong, and how much was tried."""

    faults: list[str] = field(default_factory=list)
    calls: int = 0
    refused: set[str] = field(default_factory=set)
    """Operations that were refused to the actor."""
    served: set[str] = field(default_factory=set)
    """Operations that let the actor in."""
    done: set[str] = field(default_factory=set)
    """Operations that did at least once what they are for."""


@dataclass
class Explorer:
    """One actor's tour through a document."""

    document: dict[str, Any]
    actor: Actor
    suit: Suiting
    """Turns a generated request into one that has something to act on."""
    relay_in_depth: bool = False
    """Whether the relay, which asks nobody's role, gets as many requests as the rest."""
    findings: Findings = field(default_factory=Findings)

    def tour(self) -> Findings:
        """Call everything: programs' operations first, reading before changing, deleting at the end."""
        schema = schemathesis.openapi.from_dict(self.document)
        found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        written = sum(method.upper() in _METHODS for item in self.document["paths"].values() for method in item)
        assert len(found) == written, "schemathesis left operations out"
        for operation in sorted(found, key=_turn):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                self._explore(operation, mode)
        return self.findings

    def _explore(self, operation: schemathesis.APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> None:
        raw = operation.definition.raw
        name, required = raw["operationId"], raw["x-required-role"]
        may, example, turns = self.actor.may(required), example_of(operation), count()

        @seed(SEED)
        @settings(
            max_examples=self._examples(raw, mode) if may else 1,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: schemathesis.Case[Any]) -> None:
            if mode is GenerationMode.POSITIVE:
                self.suit(name, case, example=example, nth=next(turns))
            # Not raised: Hypothesis would send the request again, to a gateway that is another one by now.
            try:
                self._call(name, required, case, may=may)
            except AssertionError as error:
                self.findings.faults.append(f"{name} ({mode.value}): {error}")
            except FailureGroup as group:
                told = "; ".join(str(failure) for failure in group.exceptions)
                self.findings.faults.append(f"{name} ({mode.value}): {told}")

        try:
            call()
        except Unsatisfiable:
            # Nothing can be wrong with a request that has neither parameters nor a body.
            assert mode is GenerationMode.NEGATIVE, name

    def _examples(self, raw: dict[str, Any], mode: GenerationMode) -> int:
        if raw["tags"] == ["Relay: not served"] or "_at_" in raw["operationId"]:
            return 1
        if raw["tags"] == ["Relay"] and not self.relay_in_depth:
            return 2 if mode is GenerationMode.POSITIVE else 1
        return GOOD if mode is GenerationMode.POSITIVE else BAD

    def _call(self, name: str, required: str, case: schemathesis.Case[Any], *, may: bool) -> None:
        # What was generated for `Authorization` is no credential; what the actor shows is.
        for header in ("Authorization", "x-api-key", "x-goog-api-key"):
            case.headers.pop(header, None)
        case.cookies.clear()
        # Who signs in again is somebody else: not in the actor's own session.
        is_own = required not in ("key", "anybody") or name == "sign_out_everywhere"
        answer = case.call(
            base_url=self.actor.url,
            session=self.actor.session if is_own else None,
            headers=self.actor.headers(required),
            timeout=CALL_LIMIT_S,
            allow_redirects=False,
        )
        self.findings.calls += 1
        if name in LOSING:
            if name == "renew_access_token" and self.actor.access_token and answer.status_code == 200:
                self.actor.access_token = answer.json()["data"]
            self.actor.come_back()
        status, text = answer.status_code, answer.text[:300]
        if may:
            assert status != 401, f"refused to whoever may: {text}"
            assert "insufficient permissions" not in text, f"refused to whoever may: {text}"
            if case.operation.definition.raw["tags"] != ["Relay: not served"]:
                self.findings.served.add(name)
        else:
            assert status in (401, 403), f"let in whoever may not: {status} {text}"
            self.findings.refused.add(name)
        if status >= 500 and name not in FAILING_BY_DESIGN:
            assert status in HONEST, f"failed: {status} {text} at {case.as_curl_command()}"
        if status < 300 and not text.startswith('{"success":false'):
            self.findings.done.add(name)
        case.validate_response(answer, checks=CHECKS)


def wrong_methods(document: dict[str, Any], actor: Actor) -> Iterator[str]:
    """Yield every address and method that is not in the document and is not answered 404."""
    for path, item in document["paths"].items():
        operations = [operation for method, operation in item.items() if method.upper() in _METHODS]
        if any(operation["tags"] == ["Relay: not served"] for operation in operations) and "delete" not in item:
            continue  # known to nobody by any method: 501, documented in words
        if path.startswith("/v1/oneapi/proxy/"):
            continue  # any method is the provider's business
        address = path.replace("{model}", "m")
        for number in ("user_id", "token_id", "channel_id", "key_id", "code_id", "log_id", "request_id", "trace_id"):
            address = address.replace(f"{{{number}}}", "1")
        for method in _METHODS:
            if method.lower() in item or _is_told_elsewhere(document, method, address):
                continue
            headers = actor.headers(operations[0]["x-required-role"])
            answer = requests.request(method, actor.url + address, headers=headers, timeout=CALL_LIMIT_S)
            if answer.status_code != 404 or not answer.text.startswith('{"error":{'):
                yield f"{method} {address}: {answer.status_code} {answer.text[:100]}"


def _is_told_elsewhere(document: dict[str, Any], method: str, address: str) -> bool:
    """Whether another entry covers an address: `/api/user/self` is one of `/api/user/{user_id}`, too."""
    head, _, last = address.rpartition("/")
    return bool(last) and any(
        path.startswith(f"{head}/{{") and path.count("/") == address.count("/") and method.lower() in item
        for path, item in document["paths"].items()
    )


def _turn(operation: schemathesis.APIOperation[Any, Any, Any, Any]) -> tuple[int, int, str, str]:
    raw = operation.definition.raw
    method = operation.method.upper()
    if raw["x-required-role"] == "key":
        place = 1 if method == "DELETE" else 0
    elif raw["operationId"] in LOSING:
        place = 5
    elif method == "DELETE":
        place = 4
    else:
        # Things are made before they are looked at.
        place = 2 if method in ("POST", "PUT") else 3
    # What belongs to a thing is deleted before the thing.
    depth = operation.path.count("/") if method == "DELETE" else 0
    return place, -depth, operation.path, method
