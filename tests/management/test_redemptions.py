"""Redemption codes are worth their quota once, on each engine."""

from __future__ import annotations

import pytest
import trio

from tests.management.site import Person, Site


async def _code(site: Site, **members: object) -> str:
    body = {"name": "gift", "quota": 500, "count": 1, **members}
    return str((await site.root.call("POST", "/api/redemption/", json=body))[0])


async def test_of_many_who_try_at_once_one_gets_it(site_everywhere: Site) -> None:
    site = site_everywhere
    key = await _code(site)
    people = [await site.user(f"user{number}") for number in range(4)]
    gained: list[bool] = []

    async def redeem(person: Person) -> None:
        answer = await person.send("POST", "/api/user/topup", json={"key": key})
        gained.append(answer.json()["success"])

    async with trio.open_nursery() as nursery:
        for person in people * 2:
            nursery.start_soon(redeem, person)
    assert sum(gained) == 1
    balances = [(await person.call("GET", "/api/user/self"))["quota"] for person in people]
    assert sum(balances) == 500
    await site.books_add_up()


async def test_a_used_code_stays_used(site: Site) -> None:
    person = await site.user("mia")
    key = await _code(site)
    assert await person.call("POST", "/api/user/topup", json={"key": key}) == 500
    (code,) = await site.root.call("GET", "/api/redemption/")
    assert (code["status"], code["redeemed_time"] > 0) == (3, True)
    await site.root.refused("PUT", "/api/redemption/?status_only=1", json={"id": code["id"], "status": 1})
    await site.root.refused("PUT", "/api/redemption/", json={"id": code["id"], "name": "x", "quota": 9})
    await person.refused("POST", "/api/user/topup", json={"key": key})


@pytest.mark.parametrize("members", [{"quota": 0}, {"quota": -5}, {"count": 0}, {"count": 101}, {"name": "x" * 21}])
async def test_a_batch_makes_sense(site: Site, members: dict[str, object]) -> None:
    body = {"name": "gift", "quota": 500, "count": 1, **members}
    await site.root.refused("POST", "/api/redemption/", json=body)


async def test_a_disabled_code_is_worth_nothing(site: Site) -> None:
    person = await site.user("mia")
    key = await _code(site)
    (code,) = await site.root.call("GET", "/api/redemption/search", params={"keyword": "GIF"})
    await site.root.call("PUT", "/api/redemption/?status_only=1", json={"id": code["id"], "status": 2})
    message = await person.refused("POST", "/api/user/topup", json={"key": key})
    assert message == "Redeem failed: The redemption code has been used"
    await person.refused("POST", "/api/user/topup", json={"key": "no such code"})
    assert (await person.call("GET", "/api/user/self"))["quota"] == 0
