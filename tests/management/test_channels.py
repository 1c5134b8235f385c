"""Channels: what the relay may use follows each edit; tests ask the provider and judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from sqlalchemy import select

from storage.tables import abilities
from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase
from tests.support.provider import Answer, failure, provider

MODEL = "gpt-4o-mini"


async def _add(site: Site, **members: Any) -> int:
    body = {"name": "one", "type": 1, "key": "sk-upstream", "models": MODEL, "group": "default", **members}
    await site.root.call("POST", "/api/channel/", json=body)
    return int((await site.root.call("GET", "/api/channel/"))[0]["id"])


async def _abilities(site: Site) -> list[tuple[str, str, int, bool]]:
    columns = (abilities.c.group, abilities.c.model, abilities.c.channel_id, abilities.c.enabled)
    rows = await site.services.database.read(lambda conn: conn.execute(select(*columns)).all())
    return sorted((row.group, row.model, row.channel_id, bool(row.enabled)) for row in rows)


async def test_abilities_follow_every_edit(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await _add(site, models="a, b,a", group="default,vip")
    expected = [(group, model, number, True) for group in ("default", "vip") for model in ("a", "b")]
    assert await _abilities(site) == expected
    assert site.services.registry.current.models_of("vip") == ["a", "b"]
    await site.root.call("PUT", "/api/channel/?status_only=1", json={"id": number, "status": 2})
    assert {row[3] for row in await _abilities(site)} == {False}
    assert site.services.registry.current.models_of("vip") == []
    await site.root.call("PUT", "/api/channel/", json={"id": number, "name": "one", "models": "c", "status": 1})
    assert [row[1:] for row in await _abilities(site)] == [("c", number, True)] * 2
    await site.root.call("PUT", "/api/channel/?status_only=1", json={"id": number, "status": 3})
    assert await site.root.call("DELETE", "/api/channel/disabled") == 1
    assert await _abilities(site) == []
    await site.books_add_up()


async def test_a_key_is_written_and_never_read(site: Site) -> None:
    number = await _add(site, key="sk-very-secret")
    edit = {"id": number, "name": "one", "key": "sk-other-secret"}
    texts = [
        (await site.root.send("PUT", "/api/channel/", json=edit)).text,
        *[
            (await site.root.send("GET", path)).text
            for path in ("/api/channel/", "/api/channel/search", f"/api/channel/{number}")
        ],
    ]
    assert "secret" not in "".join(texts)
    assert site.services.registry.current.channels[number].key == "sk-other-secret"


async def test_each_line_of_a_key_makes_a_channel(site: Site) -> None:
    await _add(site, key="k1\n\nk2\n")
    keys = [channel.key for channel in site.services.registry.current.channels.values()]
    assert keys == ["k1", "k2"]
    await site.books_add_up()


async def test_a_missing_address_is_the_types_own(site: Site) -> None:
    number = await _add(site)
    assert (await site.root.call("GET", f"/api/channel/{number}"))["base_url"] == "https://api.openai.com"


async def test_empty_members_keep_their_value_unless_they_may_be_empty(site: Site) -> None:
    number = await _add(site, system_prompt="be brief", weight=3, testing_model=MODEL)
    edit = {"id": number, "name": "one", "models": "", "group": "", "system_prompt": "", "weight": 0}
    changed = await site.root.call("PUT", "/api/channel/", json=edit)
    assert (changed["models"], changed["group"], changed["system_prompt"], changed["weight"]) == (
        MODEL,
        "default",
        "",
        0,
    )
    changed = await site.root.call("PUT", "/api/channel/", json={"id": number, "name": "one", "models": "other"})
    assert changed["testing_model"] is None


@pytest.mark.parametrize(
    "members",
    [
        {"name": " "},
        {"key": " \n "},
        {"type": 9999},
        {"group": "g" * 33},
        {"models": "m" * 192},
        {"weight": -1},
        {"base_url": "file:///etc/passwd"},
        {"base_url": "example.com"},
        {"model_mapping": "nope"},
        {"config": "[]"},
        {"model_configs": '{"m": {"ratio": -1}}'},
        {"inference_profile_arn_map": '{"m": ""}'},
        {"status": 9},
    ],
)
async def test_a_channel_makes_sense(site: Site, members: dict[str, object]) -> None:
    body = {"name": "one", "type": 1, "key": "k", "models": MODEL, **members}
    await site.root.refused("POST", "/api/channel/", json=body)


@pytest.mark.parametrize("number", [0, 77, 2**70])
async def test_a_channel_that_is_not_there_is_said_to_be_missing(site: Site, number: int) -> None:
    await site.root.refused("DELETE", f"/api/channel/{number}")
    await site.root.refused("GET", f"/api/channel/{number}")
    await site.root.refused("PUT", "/api/channel/", json={"id": number, "name": "one"})
    await site.root.refused("PUT", "/api/channel/?status_only=1", json={"id": number, "status": 1})
    await site.root.refused("GET", f"/api/channel/test/{number}")


async def test_prices_of_a_channel_are_read_as_they_were_written(site: Site) -> None:
    number = await _add(site)
    configs = {MODEL: {"ratio": 1.25, "completion_ratio": 4, "max_tokens": 4096}}
    await site.root.call("PUT", f"/api/channel/pricing/{number}", json={"model_configs": configs})
    shown = await site.root.call("GET", f"/api/channel/pricing/{number}")
    assert (shown["model_configs"], shown["model_ratio"]) == (configs, {MODEL: 1.25})
    assert str(site.services.registry.current.channels[number].model_configs[MODEL].ratio) == "1.25"
    await site.root.refused("PUT", f"/api/channel/pricing/{number}", json={"model_configs": {MODEL: {"ratio": -1}}})
    defaults = await site.root.call("GET", "/api/channel/default-pricing", params={"type": 1})
    assert json.loads(defaults["model_configs"])[MODEL]["ratio"] == 0.075


async def test_a_test_asks_the_provider_and_is_noted(site: Site) -> None:
    async with provider() as upstream:
        upstream.standing(Answer(pieces=("4",)))
        number = await _add(
            site, base_url=upstream.url, models="gpt-4o,gpt-4o-mini", model_mapping='{"gpt-4o-mini": "gpt-4.1"}'
        )
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
        (request,) = upstream.requests
    assert (result["success"], result["message"], result["modelName"]) == (True, "4", MODEL)
    assert request.json["model"] == "gpt-4.1"
    assert dict(request.headers)["authorization"] == "Bearer sk-upstream"
    channel = await site.root.call("GET", f"/api/channel/{number}")
    assert channel["test_time"] > 0
    (entry,) = await site.root.call("GET", "/api/log/", params={"type": 5})
    assert (entry["channel"], entry["user_id"], entry["model_name"]) == (number, 0, MODEL)
    await site.books_add_up()


async def test_a_failing_test_says_why_without_the_address(site: Site) -> None:
    async with provider() as upstream:
        upstream.standing(failure(401, message="Incorrect API key provided"))
        number = await _add(site, base_url=upstream.url)
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert (result["success"], result["message"], result["time"]) == (False, "Incorrect API key provided", 0)
    gone = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert gone["success"] is False
    assert "127.0.0.1" not in gone["message"]


async def test_a_round_switches_off_what_fails_and_on_only_what_had_failed(site: Site) -> None:
    for key in ("AutomaticDisableChannelEnabled", "AutomaticEnableChannelEnabled"):
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": "true"})
    async with provider() as upstream:
        upstream.standing(failure(401, message="Incorrect API key provided"), model="bad")
        upstream.standing(Answer(pieces=("4",)), model="good")
        upstream.standing(failure(500, message="on fire"), model="broken")
        numbers = {
            name: await _add(site, name=name, base_url=upstream.url, models=model)
            for name, model in (("a", "good"), ("b", "bad"), ("c", "good"), ("d", "good"), ("e", "broken"))
        }
        for name, status in (("c", 2), ("d", 3)):
            await site.root.call("PUT", "/api/channel/?status_only=1", json={"id": numbers[name], "status": status})
        await site.root.call("GET", "/api/channel/test")
        await site.root.refused("GET", "/api/channel/test")
        expected = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 1}
        with trio.fail_after(10):
            while (states := await _states(site)) != expected or len(upstream.requests) < len(numbers):
                await trio.sleep(0.05)
    assert states == expected
    assert site.notes.named("channel.disabled")


async def test_a_slow_channel_is_switched_off(site: Site) -> None:
    for key, value in (("AutomaticDisableChannelEnabled", "true"), ("ChannelDisableThreshold", "0.05")):
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": value})
    async with provider() as upstream:
        upstream.standing(Answer(head_after_s=0.2))
        await _add(site, base_url=upstream.url)
        await site.root.call("GET", "/api/channel/test")
        with trio.fail_after(10):
            while await _states(site) != {"one": 3}:
                await trio.sleep(0.05)


async def test_a_round_pauses_between_channels_when_asked_to(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"polling_interval": 3600}) as site, provider() as upstream:
        upstream.standing(Answer(pieces=("4",)))
        for name in ("a", "b"):
            await _add(site, name=name, base_url=upstream.url)
        await site.root.call("GET", "/api/channel/test")
        with trio.fail_after(10):
            while not any(row["test_time"] for row in await site.root.call("GET", "/api/channel/")):
                await trio.sleep(0.02)
        await site.root.refused("GET", "/api/channel/test")
        assert len(upstream.requests) == 1


async def _states(site: Site) -> dict[str, int]:
    return {row["name"]: row["status"] for row in await site.root.call("GET", "/api/channel/")}


@pytest.mark.parametrize(
    ("kind", "answers", "left"),
    [
        (
            1,
            {
                "/v1/dashboard/billing/subscription": {"has_payment_method": True, "hard_limit_usd": 120.0},
                "/v1/dashboard/billing/usage": {"total_usage": 2050.0},
            },
            99.5,
        ),
        (
            8,
            {
                "/v1/dashboard/billing/subscription": {"hard_limit_usd": "5"},
                "/v1/dashboard/billing/usage": {"total_usage": 100},
            },
            4.0,
        ),
        (4, {"/dashboard/billing/credit_grants": {"total_available": 3.5}}, 3.5),
        (5, {"/sb-api/user/status": {"data": {"credit": "12.25"}}}, 12.25),
        (10, {"/api/report/getUserOverview": {"success": True, "data": {"totalPoints": 77}}}, 77),
        (25, {"/v1/users/me/balance": {"data": {"available_balance": 49.5}}}, 49.5),
        (12, {"/dashboard/billing/credit_grants": {"total_remaining": 8}}, 8),
        (13, {"/dashboard/billing/credit_grants": {"total_available": 0.25}}, 0.25),
        (20, {"/v1/credits": {"data": {"total_credits": 10, "total_usage": 2.5}}}, 7.5),
        (36, {"/user/balance": {"balance_infos": [{"currency": "CNY", "total_balance": "3.25"}]}}, 3.25),
        (44, {"/v1/user/info": {"data": {"totalBalance": "0.88"}}}, 0.88),
    ],
)
async def test_a_balance_is_asked_for_and_stored(
    site: Site, kind: int, answers: dict[str, dict[str, object]], left: float
) -> None:
    async with provider() as upstream:
        for path, body in answers.items():
            upstream.standing(Answer(body=body), path=path)
        number = await _add(site, type=kind, base_url=upstream.url)
        answer = (await site.root.send("GET", f"/api/channel/update_balance/{number}")).json()
    assert answer == {"success": True, "message": "", "balance": left}
    shown = await site.root.call("GET", f"/api/channel/{number}")
    assert shown["balance"] == left
    assert shown["balance_updated_time"] > 0


@pytest.mark.parametrize("body", [{}, {"data": {"totalBalance": "much"}}, {"data": {"totalBalance": 1e300}}, []])
async def test_a_balance_that_cannot_be_read_is_not_stored(site: Site, body: object) -> None:
    async with provider() as upstream:
        upstream.standing(Answer(body=body))  # type: ignore[arg-type]  # any JSON
        number = await _add(site, type=44, base_url=upstream.url)
        await site.root.refused("GET", f"/api/channel/update_balance/{number}")
    assert (await site.root.call("GET", f"/api/channel/{number}"))["balance_updated_time"] == 0


async def test_a_type_that_cannot_be_asked_says_so(site: Site) -> None:
    number = await _add(site, type=14)
    assert await site.root.refused("GET", f"/api/channel/update_balance/{number}") == "Not yet implemented"
