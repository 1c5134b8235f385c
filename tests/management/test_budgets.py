"""Budgets over the API: who may set which, how they stand, and what is written down."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gateway.budgets.periods import span_at
from storage.repositories import audit
from storage.repositories.audit import AuditFilter
from storage.repositories.ledger import post
from storage.repositories.rows import Page
from tests.management.site import Person, Site


async def _token(person: Person, name: str = "laptop") -> int:
    made = await person.call("POST", "/api/token/", json={"name": name, "unlimited_quota": True})
    return int(made["id"])


def _budget(kind: str, subject: object, **more: object) -> dict[str, object]:
    return {"kind": kind, "subject": str(subject), "period": "day", "hard_quota": 500_000, **more}


async def _set(person: Person, kind: str, subject: object, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = await person.call("POST", "/api/budget/", json=_budget(kind, subject, **more))
    return made


async def _spend(site: Site, user_id: int, token_id: int, units: int) -> None:
    await site.services.database.write(
        lambda conn: post(
            conn,
            kind="charge",
            at_ms=int(time.time() * 1000),
            user_id=user_id,
            user_units=-units,
            token_id=token_id,
        )
    )


async def test_a_budget_counts_what_was_spent_before_it_was_set(site_everywhere: Site) -> None:
    site = site_everywhere
    mia = await site.user("mia")
    number, token = await site.number_of("mia"), await _token(mia)
    await _spend(site, number, token, 120_000)
    made = await _set(site.root, "user", number, soft_quota=100_000)
    assert (made["spent_quota"], made["left_quota"], made["imposed"]) == (120_000, 380_000, True)
    assert made["renews_at"] == span_at("day", time.time()).end
    await _spend(site, number, token, 500_000)
    (seen,) = await mia.call("GET", "/api/budget/")
    assert (seen["name"], seen["spent_quota"], seen["left_quota"]) == ("mia", 620_000, 0)
    changed = await site.root.call("PUT", "/api/budget/", json={"id": made["id"], "soft_quota": 700_000})
    assert (changed["soft_quota"], changed["hard_quota"], changed["left_quota"]) == (700_000, 0, None)
    await site.root.call("DELETE", f"/api/budget/{made['id']}")
    assert await site.root.call("GET", "/api/budget/") == []
    assert not site.services.registry.current.budgets


async def test_the_snapshot_has_what_was_set(site: Site) -> None:
    mia = await site.user("mia")
    number, token = await site.number_of("mia"), await _token(mia)
    await _set(site.root, "group", "default", period="month")
    await _set(site.root, "user", number, period="week")
    await _set(mia, "token", token)
    index = site.services.registry.current.budgets
    assert [one.period for one in index.of(number, token, "default")] == ["week", "day", "month"]
    assert index.of(number + 1, token + 1, "vip") == ()


async def test_people_set_budgets_for_their_own_tokens_only(site: Site) -> None:
    mia, tom = await site.user("mia"), await site.user("tom")
    number, token = await site.number_of("mia"), await _token(mia)
    own = await _set(mia, "token", token)
    assert own["imposed"] is False
    await mia.refused("POST", "/api/budget/", json=_budget("user", number))
    await mia.refused("POST", "/api/budget/", json=_budget("group", "default"))
    await tom.refused("POST", "/api/budget/", json=_budget("token", token, period="week"))
    await tom.refused("PUT", "/api/budget/", json={"id": own["id"], "hard_quota": 1})
    await tom.refused("DELETE", f"/api/budget/{own['id']}")
    assert await tom.call("GET", "/api/budget/") == []
    await mia.call("PUT", "/api/budget/", json={"id": own["id"], "hard_quota": 1})
    await mia.call("DELETE", f"/api/budget/{own['id']}")


async def test_what_an_administrator_imposed_stays(site: Site) -> None:
    mia = await site.user("mia")
    token = await _token(mia)
    imposed = await _set(site.root, "token", token)
    assert imposed["imposed"] is True
    await mia.refused("PUT", "/api/budget/", json={"id": imposed["id"], "hard_quota": 9_000_000})
    await mia.refused("DELETE", f"/api/budget/{imposed['id']}")
    # A stricter one of her own goes beside it.
    await _set(mia, "token", token, hard_quota=1000)
    await mia.refused("POST", "/api/budget/", json=_budget("token", token))
    assert [one["imposed"] for one in await mia.call("GET", "/api/budget/")] == [True, False]


async def test_administrators_reach_lower_roles_only(site: Site) -> None:
    admin = await site.user("ada", role="admin")
    other = await site.user("bob", role="admin")
    await site.user("mia")
    mine, theirs, lower = [await site.number_of(name) for name in ("ada", "bob", "mia")]
    await admin.refused("POST", "/api/budget/", json=_budget("user", mine))
    await admin.refused("POST", "/api/budget/", json=_budget("user", theirs))
    await admin.refused("POST", "/api/budget/", json=_budget("user", 1))
    await _set(admin, "user", lower)
    group = await _set(admin, "group", "default")
    await other.call("PUT", "/api/budget/", json={"id": group["id"], "hard_quota": 7})
    imposed = await _set(site.root, "user", theirs)
    await admin.refused("DELETE", f"/api/budget/{imposed['id']}")
    kinds = [one["kind"] for one in await admin.call("GET", "/api/budget/")]
    assert kinds == ["user", "group"]
    await _set(site.root, "user", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "channel"},
        {"kind": "group", "subject": "nobody's"},
        {"subject": "77"},
        {"subject": "01"},
        {"subject": "9" * 30},
        {"period": "year"},
        {"hard_quota": 0},
        {"hard_quota": -1},
        {"hard_quota": 2**62},
        {"hard_quota": 10, "soft_quota": 11},
    ],
)
async def test_a_budget_makes_sense(site: Site, wrong: dict[str, object]) -> None:
    await site.root.refused("POST", "/api/budget/", json=_budget("user", 1) | wrong)


async def test_there_is_one_of_each_period(site: Site) -> None:
    for period in ("day", "week", "month"):
        await _set(site.root, "user", 1, period=period)
        await site.root.refused("POST", "/api/budget/", json=_budget("user", 1, period=period))
    assert len(await site.root.call("GET", "/api/budget/", params={"kind": "user", "subject": "1"})) == 3
    assert await site.root.call("GET", "/api/budget/", params={"kind": "token", "subject": "1"}) == []


async def test_every_change_is_written_down(site: Site) -> None:
    made = await _set(site.root, "user", 1)
    await site.root.call("PUT", "/api/budget/", json={"id": made["id"], "hard_quota": 7})
    await site.root.call("DELETE", f"/api/budget/{made['id']}")
    rows = await site.services.database.read(lambda conn: audit.page(conn, AuditFilter(kind="budget"), Page())[0])
    assert [(row.action, row.object_name) for row in rows] == [
        ("budget.delete", "root"),
        ("budget.update", "root"),
        ("budget.create", "root"),
    ]
    assert rows[1].changes == '{"hard_units": [500000, 7]}'


async def test_budgets_go_with_what_they_are_for(site: Site) -> None:
    mia = await site.user("mia")
    number, token = await site.number_of("mia"), await _token(mia)
    await _set(site.root, "user", number)
    await _set(mia, "token", token)
    await mia.call("DELETE", f"/api/token/{token}")
    assert [one["kind"] for one in await site.root.call("GET", "/api/budget/")] == ["user"]
    await site.root.call("DELETE", f"/api/user/{number}")
    assert await site.root.call("GET", "/api/budget/") == []
