"""What the document says holds for everybody: guests, users, administrators, root; on every engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from tests.contract.actors import ROOT_TOKEN, Actor, RoleName, RootsHand
from tests.contract.explore import Explorer, Findings, wrong_methods
from tests.contract.suiting import KEPT, MODEL, Suiting, answers
from tests.support.engines import FreshDatabase, fresh_database
from tests.support.gateway import Gateway, running_gateway
from tests.support.provider import provider

LIMIT_S = 600.0
UNREACHED = frozenset(
    (
        # Third parties are switched off.
        *(f"{party}_{step}" for party in ("github", "oidc", "lark") for step in ("authorize", "sign_in", "return")),
        *("wechat_sign_in", "wechat_bind"),
        # There is no mail server, so there is no code and no link.
        *("mail_code", "mail_reset_link", "bind_address", "reset_password"),
        # Codes of an authenticator cannot be guessed, and nobody has one to switch off.
        *("confirm_totp", "disable_totp", "disable_totp_for", "sign_in_by_code"),
        # Refused to whoever tours: root's dashboard, root's account, a token without a list of models.
        *("dashboard_users", "delete_self", "models_of_token"),
        # Wants a websocket.
        "realtime",
        # The log is deleted before its turn, and takes what was recorded along.
        "delete_recorded_messages",
    )
)
"""Operations that the tours call and never see succeed. Tests of their own do."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "engine"),
    [("guest", "sqlite"), ("user", "mysql"), ("admin", "postgresql"), ("root", "sqlite")],
)
async def test_everything_is_as_the_document_says(
    role: RoleName, engine: str, tmp_path: Path, templates: Callable[[str], FreshDatabase]
) -> None:
    env = {"INITIAL_ROOT_ACCESS_TOKEN": ROOT_TOKEN, "MAX_INLINE_IMAGE_SIZE_MB": 1}
    with fresh_database(engine, tmp_path, like=templates(engine)) as database:
        async with provider() as mock, running_gateway(tmp_path, database=database, env=env) as gateway:
            mock.responder = answers
            with trio.fail_after(LIMIT_S):
                findings = await trio.to_thread.run_sync(_tour, gateway.url, role, mock.url, abandon_on_cancel=True)
            assert findings.faults == [], gateway.told()
            assert _crashes(gateway) == []
            await gateway.terminate()
            assert await gateway.wait() == 0
            await gateway.assert_books_balance()


def _tour(url: str, role: RoleName, provider_url: str) -> Findings:
    root = RootsHand(url)
    for type_id in (1, 43):
        channel = {"type": type_id, "name": "mock", "key": "sk-mock", "base_url": provider_url, "models": MODEL}
        root.call("POST", "/api/channel/", json={**channel, "group": "default"})
    root.call("POST", "/api/channel/1/keys", json={"keys": "sk-other"})
    for number in range(3):
        root.make_account(f"spare{number}", is_admin=False)
    actor = Actor(url, role)
    document = actor.session.get(f"{url}/api/openapi.json", timeout=30).json()
    suiting = Suiting(provider_url, {} if role == "guest" else _belongings(root, actor))
    findings = Explorer(document, actor, suiting, relay_in_depth=role == "root").tour()
    if role != "guest":
        findings.faults += [f"{name} was never seen to work" for name in findings.served - findings.done - UNREACHED]
    findings.faults += wrong_methods(document, actor)
    return findings


def _belongings(root: RootsHand, actor: Actor) -> dict[str, object]:
    """Relay a request that is recorded and have a code made; return what is there and can be asked about."""
    headers, own = {"Authorization": f"Bearer {actor.api_token}"}, actor.headers(actor.role)
    root.call("PUT", "/api/option/", json={"key": "MessageRecordingEnabled", "value": "true"})
    tokens = actor.session.get(f"{actor.url}/api/token/", headers=own, timeout=30).json()["data"]
    number = next(token["id"] for token in tokens if token["key"] == actor.api_token)
    wish = {"id": number, "name": "t", "record_messages": True}
    assert actor.session.put(f"{actor.url}/api/token/", json=wish, headers=own, timeout=30).json()["success"]
    asked = {"model": MODEL, "input": "Hello!"}
    assert actor.session.post(f"{actor.url}/v1/responses", json=asked, headers=headers, timeout=30).ok
    # The settlement is written after the answer.
    while not (entries := root.call("GET", "/api/log/", params={"type": 2})):
        time.sleep(0.02)
    place = f"{actor.url}/api/messages/{entries[0]['request_id']}"
    while actor.session.get(place, headers=own, timeout=30).status_code == 404:
        time.sleep(0.02)
    (code,) = root.call("POST", "/api/redemption/", json={"name": "c", "quota": 5, "count": 1})
    budget = {"kind": "token", "subject": str(tokens[0]["id"]), "period": "week", "hard_quota": 10**12}
    made = actor.session.post(f"{actor.url}/api/budget/", json=budget, headers=own, timeout=30).json()
    return {
        "model": MODEL,
        "request_id": entries[0]["request_id"],
        "trace_id": entries[0]["trace_id"],
        "log_id": entries[0]["id"],
        "response_id": KEPT,
        "code": code,
        "code_id": 1,
        # Only administrators may use any channel as a proxy.
        "key_id": 2,
        "channel_id": 2 if actor.role == "user" else 1,
        "user_id": 4,
        "token_id": tokens[0]["id"],
        "budget_id": made["data"]["id"],
    }


def _crashes(gateway: Gateway) -> list[object]:
    return [line for line in gateway.lines if line["event"] in ("management.crash", "management.database")]
