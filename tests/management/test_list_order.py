"""Lists are sorted by what they show, by the database, on each engine: what has no such figure stands last."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from gateway.accounts import directory, redemptions, token_facts, user_care
from gateway.traffic.sums import UsageSums
from storage.records import LogType
from storage.repositories import users
from storage.repositories.people_lists import CodeFilter, TokenFilter, UserFilter
from storage.repositories.rows import Page, Sort
from storage.tables import logs, tokens
from tests.management.site import Site
from tests.management.test_token_care import account, acting, own_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.support.engines import FreshDatabase

DAY = 86_400
EVERYTHING = Page(0, 100)


def charges(user_id: int, name: str, spent: Mapping[int, int]) -> list[dict[str, Any]]:
    """Entries of the log: units by how many seconds ago."""
    now = int(time.time())
    return [
        {
            "user_id": user_id, "token_name": name, "created_at": now - ago, "type": LogType.CONSUME, "quota": units,
            "model_name": "m", "channel_id": 1, "request_id": f"{user_id}-{name}-{ago}",
        }
        for ago, units in spent.items()
    ]  # fmt: skip


def in_order(ids: Sequence[int], value: Callable[[int], Any], *, ascending: bool) -> list[int]:
    """What a list should be: by value, then by number, both in one direction; what has none last."""
    known = sorted((i for i in ids if value(i) is not None), key=lambda i: (value(i), i), reverse=not ascending)
    unknown = sorted((i for i in ids if value(i) is None), reverse=not ascending)
    return known + unknown


@pytest.mark.parametrize("log_is_here", [True, False])
async def test_tokens_are_sorted_by_what_is_shown_of_their_use(
    site_everywhere: Site, migrated: FreshDatabase, log_is_here: bool
) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia, root = await account(site, "mia"), await account(site, "root")
    named = {
        "quick": (1_000, {60: 10, 2 * DAY: 400, 3 * DAY: 300}),
        "slow": (1_000, {2 * DAY: 10}),
        "brisk": (50_000, {3 * DAY: 7_000}),
        "müde": (400, {7200: 5, 7300: 5, 7400: 5}),
        "idle": (700, {}),
        "free": (0, {4 * DAY: 999}),
        "empty": (0, {5 * DAY: 5}),
    }
    made = {}
    for name, (rest, _spent) in named.items():
        token = await own_token(site, mia, name=name, remain_quota=rest, unlimited_quota=name == "free")
        made[name] = token.id
    rows = [row for name, (_rest, spent) in named.items() for row in charges(mia.id, name, spent)]

    def fill(conn: Any) -> None:
        conn.execute(insert(logs), rows)
        conn.execute(update(tokens).values(created_time=int(time.time()) - 20 * DAY))

    await services.database.write(fill)
    await UsageSums(services.database, services.log_database, journal=site.notes).catch_up()
    wanted = TokenFilter(now_s=int(time.time()), user_id=mia.id)
    found, _total = await directory.find_tokens(services, root, wanted, Sort("id"), EVERYTHING)
    use = await token_facts.use_of(services, found)
    assert {name for name, number in made.items() if use[number].lasts_s is not None} == {
        "quick", "slow", "brisk", "müde",
    }  # fmt: skip
    if not log_is_here:
        # Another database, as far as anybody here can tell. What the running hour brought is not tallied.
        services = replace(services, log_database=migrated.open())
    shown: dict[str, Callable[[int], Any]] = {"lasts": lambda number: use[number].lasts_s}
    if log_is_here:
        shown["requests"] = lambda number: use[number].requests
    for column, value in shown.items():
        for ascending in (True, False):
            sort = Sort(column, ascending)
            rows_, total = await directory.find_tokens(services, root, wanted, sort, EVERYTHING)
            assert [row.id for row in rows_] == in_order([row.id for row in found], value, ascending=ascending)
            second, total = await directory.find_tokens(services, root, wanted, sort, Page(1, 3))
            assert ([row.id for row in second], total) == ([row.id for row in rows_][3:6], len(found))
    if not log_is_here:
        services.log_database.close()


async def test_what_is_never_stands_last(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia = await account(site, "mia")
    soon = int(time.time()) + 1000
    made = [
        await own_token(site, mia, name=name, **edit)
        for name, edit in (
            ("never", {"unlimited_quota": True}),
            ("later", {"expired_time": soon + 500, "remain_quota": 9}),
            ("soon", {"expired_time": soon, "remain_quota": 5}),
        )
    ]
    wanted = TokenFilter(now_s=soon - 1000, user_id=mia.id)
    never, later, first = (token.id for token in made)
    for column in ("expired_time", "remain_quota"):
        for ascending, expected in ((True, [first, later]), (False, [later, first])):
            rows, _total = await directory.find_tokens(services, mia, wanted, Sort(column, ascending), EVERYTHING)
            mine = [row.id for row in rows if row.id in (never, later, first)]
            assert mine == [*expected, never], (column, ascending)
    keys = [
        (await redemptions.create_codes(services, acting(mia), name=name, quota=1, count=1, expires_at=end))[0]
        for name, end in (("a", 0), ("b", soon + 500), ("c", soon))
    ]
    assert len(keys) == 3
    for ascending, names in ((True, "cba"), (False, "bca")):
        codes, _total = await directory.list_codes(
            services, CodeFilter(now_s=soon - 1000), Sort("expires", ascending), EVERYTHING
        )
        assert "".join(code.name for code in codes) == names


async def test_accounts_are_sorted_by_activity_tokens_and_who_invited_them(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    for name in ("anna", "Bert", "cleo"):
        await site.root.call("POST", "/api/user/", json={"username": name, "password": "password123"})
    anna, bert = await account(site, "anna"), await account(site, "Bert")
    for _ in range(2):
        await own_token(site, bert, name="t")

    def fill(conn: Any) -> None:
        used = {"accessed_time": 5_000_000_000, "used_quota": 1}
        conn.execute(update(tokens).where(tokens.c.user_id == anna.id).values(**used))
        for number, inviter in ((anna.id, bert.id), (bert.id, anna.id)):
            users.change(conn, number, {"inviter_id": inviter})

    await services.database.write(fill)
    everybody, _total = await directory.find_users(services, UserFilter(), Sort("id"), EVERYTHING)
    known = await user_care.rows_of(services, everybody)
    shown: dict[str, Callable[[int], Any]] = {
        "active": lambda number: known[number].facts.active_at or None,
        "tokens": lambda number: known[number].facts.tokens,
        "inviter": lambda number: known[number].inviter.encode() or None,
    }
    assert len({known[user.id].facts.tokens for user in everybody}) > 1
    for column, value in shown.items():
        for ascending in (True, False):
            rows, _total = await directory.find_users(services, UserFilter(), Sort(column, ascending), EVERYTHING)
            assert [row.id for row in rows] == in_order([u.id for u in everybody], value, ascending=ascending), column
