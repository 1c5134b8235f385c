"""API tokens: their owners' rights, their limits, and charges from outside, on each engine."""

from __future__ import annotations

import time

import pytest
import trio

from tests.management.site import Person, Site


def _key(token: dict[str, object]) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['key']}"}


async def test_only_the_owner_sees_and_touches_a_token(site: Site) -> None:
    owner, other = await site.user("mia"), await site.user("eve")
    token = await site.token(owner, remain_quota=100)
    for person in (other, site.root):
        await person.refused("GET", f"/api/token/{token['id']}")
        await person.refused("PUT", "/api/token/", json={"id": token["id"], "name": "mine", "status": 1})
        await person.refused("DELETE", f"/api/token/{token['id']}")
        assert token["id"] not in [row["id"] for row in await person.call("GET", "/api/token/")]
    await owner.call("GET", f"/api/token/{token['id']}")


async def test_an_update_keeps_what_it_does_not_name(site: Site) -> None:
    owner = await site.user("mia")
    limits = {"remain_quota": 100, "expired_time": 4_102_444_800, "models": "gpt-4o", "subnet": "127.0.0.0/8"}
    token = await site.token(owner, **limits)
    changed = await owner.call("PUT", "/api/token/", json={"id": token["id"], "name": "renamed"})
    assert {name: changed[name] for name in limits} == limits
    assert (changed["status"], changed["name"]) == (1, "renamed")


async def test_owner_key_and_use_cannot_be_chosen(site: Site) -> None:
    owner = await site.user("mia")
    chosen = {"user_id": 1, "key": "k" * 48, "used_quota": -5, "status": 3, "id": 77}
    token = await site.token(owner, remain_quota=1, **chosen)
    assert token["user_id"] == await site.number_of("mia")
    assert (token["used_quota"], token["status"]) == (0, 1)
    assert "k" * 48 not in token["key"]


@pytest.mark.parametrize(
    "members",
    [
        {"remain_quota": -1},
        {"remain_quota": 2**60},
        {"expired_time": -2},
        {"subnet": "10.0.0.0/33"},
        {"subnet": "10.0.0.1"},
        {"name": "x" * 31},
        {"name": "ä" * 16},
        {"name": " "},
    ],
)
async def test_a_token_makes_sense(site: Site, members: dict[str, object]) -> None:
    await site.root.refused("POST", "/api/token/", json={"name": "t", **members})


async def test_every_change_of_what_remains_is_posted(site_everywhere: Site) -> None:
    site = site_everywhere
    owner = await site.user("mia")
    token = await site.token(owner, remain_quota=1000)
    await owner.call("PUT", "/api/token/", json={"id": token["id"], "name": "t", "remain_quota": 400})
    await _consume(site, token, 150)
    await owner.call("PUT", "/api/token/", json={"id": token["id"], "name": "t", "unlimited_quota": True})
    await _consume(site, token, 999)
    shown = await owner.call("GET", f"/api/token/{token['id']}")
    assert (shown["remain_quota"], shown["used_quota"]) == (250, 1149)
    await owner.call(
        "PUT", "/api/token/", json={"id": token["id"], "name": "t", "unlimited_quota": False, "remain_quota": 7}
    )
    await site.books_add_up()
    await owner.call("DELETE", f"/api/token/{token['id']}")
    await site.books_add_up()


async def test_charges_at_the_same_time_never_overdraw(site_everywhere: Site) -> None:
    site = site_everywhere
    owner = await site.user("mia")
    token = await site.token(owner, remain_quota=500)
    outcomes: list[bool] = []

    async def charge(person: Person) -> None:
        body = {"add_used_quota": 100, "add_reason": "job"}
        answer = await person.send("POST", "/api/token/consume", json=body, headers=_key(token))
        outcomes.append(answer.json().get("success", False))

    async with trio.open_nursery() as nursery:
        for _ in range(12):
            nursery.start_soon(charge, site.visitor())
    shown = await owner.call("GET", f"/api/token/{token['id']}")
    assert (sum(outcomes), shown["remain_quota"], shown["used_quota"]) == (5, 0, 500)
    await site.books_add_up()


async def test_a_charge_answers_what_is_true_now_and_leaves_the_owner_alone(site: Site) -> None:
    owner = await site.user("mia")
    token = await site.token(owner, remain_quota=500)
    charged = await _consume(site, token, 120)
    assert (charged["remain_quota"], charged["used_quota"]) == (380, 120)
    assert (await owner.call("GET", "/api/user/self"))["used_quota"] == 0
    (entry,) = await owner.call("GET", "/api/log/self", params={"type": 2})
    assert (entry["content"], entry["quota"], entry["model_name"]) == (
        "External (job) consumed ＄0.000240 quota",  # noqa: RUF001
        120,
        "job",
    )


async def test_an_expired_or_exhausted_token_wakes_up_with_its_cause(site: Site) -> None:
    owner = await site.user("mia")
    token = await site.token(owner, remain_quota=50, expired_time=int(time.time()) - 60)
    asks = site.visitor()
    assert (await asks.send("GET", "/api/user/get-by-token", headers=_key(token))).status_code == 401
    assert (await owner.call("GET", f"/api/token/{token['id']}"))["status"] == 3
    await owner.refused("PUT", "/api/token/?status_only=1", json={"id": token["id"], "status": 1})
    await owner.call("PUT", "/api/token/", json={"id": token["id"], "name": "t", "status": 3, "expired_time": -1})
    await _consume(site, token, 50)
    assert (await asks.send("GET", "/api/user/get-by-token", headers=_key(token))).status_code == 401
    assert (await owner.call("GET", f"/api/token/{token['id']}"))["status"] == 4
    await owner.refused("PUT", "/api/token/?status_only=1", json={"id": token["id"], "status": 1})
    await owner.call("PUT", "/api/token/", json={"id": token["id"], "name": "t", "status": 4, "remain_quota": 10})
    by_token = (await asks.send("GET", "/api/user/get-by-token", headers=_key(token))).json()
    assert by_token == {"uid": await site.number_of("mia"), "token_id": token["id"], "username": "mia"}


async def test_a_key_works_only_from_its_networks(site: Site) -> None:
    token = await site.token(site.root, unlimited_quota=True, subnet="192.0.2.0/24")
    for address, status in (("192.0.2.7", 200), ("192.0.3.7", 403)):
        visitor = site.visitor(headers={"X-Forwarded-For": address})
        assert (await visitor.send("GET", "/api/user/get-by-token", headers=_key(token))).status_code == status


async def test_dashboards_show_the_tokens_or_the_owners_balance(site: Site) -> None:
    owner = await site.user("mia")
    number = await site.number_of("mia")
    await site.root.call("POST", "/api/topup", json={"user_id": number, "quota": 1_000_000})
    token = await site.token(owner, remain_quota=400_000)
    await _consume(site, token, 100_000)
    visitor = site.visitor(headers=_key(token))
    for prefix in ("", "/v1"):
        limits = (await visitor.send("GET", f"{prefix}/dashboard/billing/subscription")).json()
        assert (limits["hard_limit_usd"], limits["access_until"]) == (0.8, 0)
        assert (await visitor.send("GET", f"{prefix}/dashboard/billing/usage")).json()["total_usage"] == 20
    await site.root.call("PUT", "/api/option/", json={"key": "DisplayTokenStatEnabled", "value": "false"})
    limits = (await visitor.send("GET", "/v1/dashboard/billing/subscription")).json()
    assert limits["hard_limit_usd"] == 2


async def _consume(site: Site, token: dict[str, object], units: int) -> dict[str, int]:
    body = {"add_used_quota": units, "add_reason": "job"}
    return dict(await site.visitor().call("POST", "/api/token/consume", json=body, headers=_key(token)))
