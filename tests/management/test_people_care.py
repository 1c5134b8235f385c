"""Sessions that are listed and ended, recovery codes, codes that expire, and what lists tell of people."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.accounts import recovery, redemptions, second_step, sessions, totp, user_care
from gateway.accounts import users as people
from gateway.accounts.refusals import NotAllowed, Refused
from gateway.accounts.spending import Day, lasts_of
from gateway.accounts.totp import PERIOD_S, TotpCheck, code_at
from gateway.audit.author import Author
from storage.records import User
from storage.repositories import people_facts, users
from storage.repositories.audit import AuditFilter, AuditRow, page
from storage.repositories.people_lists import CodeFilter, UserFilter, code_page, user_page
from storage.repositories.rows import Page, Sort
from tests.management.site import Site
from tests.management.test_token_care import account, acting


async def trail(site: Site, user: User) -> list[AuditRow]:
    wanted = AuditFilter(kind="user", object_id=user.id)
    rows, _total = await site.services.database.read(lambda conn: page(conn, wanted, Page(0, 50)))
    return rows[::-1]


async def with_second_factor(site: Site, name: str) -> tuple[User, Author, TotpCheck, str]:
    await site.user(name)
    user = await account(site, name)
    check, secret = TotpCheck(site.services.windows), totp.new_secret()
    code = code_at(secret, int(time.time()) // PERIOD_S)
    await totp.confirm(site.services, check, acting(user), secret=secret, code=code)
    return await account(site, name), acting(user), check, secret


async def test_each_browser_is_a_session_that_can_be_ended_alone(site: Site) -> None:
    one, other = await site.user("mia"), site.visitor()
    await other.login("mia")
    mia = await account(site, "mia")
    listed = await sessions.list_sessions(site.services, mia)
    assert len(listed) == 2
    assert {row.address for row in listed} == {"127.0.0.1"}
    assert all(row.agent.startswith("python-httpx") for row in listed)
    assert await sessions.end(site.services, acting(mia), listed[0].id)
    left = [person for person in (one, other) if (await person.send("GET", "/api/user/self")).status_code == 200]
    assert len(left) == 1
    assert not await sessions.end(site.services, acting(mia), listed[0].id)


async def test_nobody_ends_somebody_else_s_session(site: Site) -> None:
    person = await site.user("mia")
    await site.user("eve")
    (row,) = await sessions.list_sessions(site.services, await account(site, "mia"))
    assert not await sessions.end(site.services, acting(await account(site, "eve")), row.id)
    await person.call("GET", "/api/user/self")


async def test_signing_out_everywhere_leaves_no_session(site_everywhere: Site) -> None:
    site = site_everywhere
    person = await site.user("mia")
    mia = await account(site, "mia")
    await sessions.sign_out(site.services, mia)
    assert await sessions.list_sessions(site.services, mia) == []
    await person.refused("GET", "/api/user/self")


async def test_a_recovery_code_lets_in_once(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    mia, author, check, _secret = await with_second_factor(site, "mia")
    codes = await recovery.renew(services, author)
    assert len(set(codes)) == recovery.NUMBER
    kept: dict[str, object] = {}
    second_step.begin(kept, user_id=mia.id, version=await second_step.version_of(services, mia.id))
    signed = await second_step.finish(services, check, kept, code=codes[0].upper().replace("-", " "))
    assert signed.user.id == mia.id
    with pytest.raises(Refused):
        await recovery.check_second_factor(services, check, mia, codes[0])
    assert await recovery.left(services, mia) == recovery.NUMBER - 1
    assert "user.recovery-code-used" in [row.action for row in await trail(site, mia)]


async def test_recovery_codes_go_with_the_second_factor(site: Site) -> None:
    mia, author, check, _secret = await with_second_factor(site, "mia")
    codes = await recovery.renew(site.services, author)
    await totp.disable(site.services, check, author, mia, code=codes[3])
    assert await recovery.left(site.services, mia) == 0
    with pytest.raises(Refused):
        await recovery.renew(site.services, author)


async def test_an_expired_code_is_not_redeemed_and_a_used_one_names_who_did(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia, root = await account(site, "mia"), acting(await account(site, "root"))
    soon = int(time.time()) + 1000
    (late,) = await redemptions.create_codes(services, root, name="late", quota=5, count=1, expires_at=soon)
    (good,) = await redemptions.create_codes(services, root, name="good", quota=5, count=1, expires_at=soon)
    by_name = {
        code.name: code
        for code in (
            await services.database.read(
                lambda conn: code_page(conn, CodeFilter(now_s=soon - 1000), Sort(), Page(0, 9))
            )
        )[0]
    }
    past = int(time.time()) - 10
    await services.database.write(lambda conn: people_facts.set_code_facts(conn, by_name["late"].id, expires_at=past))
    with pytest.raises(Refused, match="has expired"):
        await redemptions.redeem(services, mia, late)
    assert await redemptions.redeem(services, mia, good) == 5
    facts = await services.database.read(lambda conn: people_facts.facts_of_codes(conn, [by_name["good"].id]))
    assert facts[by_name["good"].id].used_by == mia.id
    now = int(time.time())
    for state, expected in (("expired", {"late"}), ("used", {"good"}), ("unused", set())):
        wanted = CodeFilter(now_s=now, state=state)
        rows, _total = await services.database.read(lambda conn: code_page(conn, wanted, Sort(), Page(0, 9)))  # noqa: B023
        assert {code.name for code in rows} == expected
    with pytest.raises(Refused, match="past"):
        await redemptions.create_codes(services, root, name="x", quota=5, count=1, expires_at=past)


async def test_a_page_makes_a_thousand_codes_and_scripts_a_hundred(site: Site) -> None:
    root = acting(await account(site, "root"))
    made = await redemptions.create_codes(
        site.services, root, name="many", quota=1, count=1000, most=redemptions.MOST_ON_A_PAGE
    )
    assert len(set(made)) == 1000
    with pytest.raises(Refused):
        await redemptions.create_codes(site.services, root, name="many", quota=1, count=101)


async def test_a_balance_is_taken_from_but_not_below_nothing(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia, root = await account(site, "mia"), acting(await account(site, "root"))
    await people.top_up(services, root, user_id=mia.id, quota=900, remark="")
    taken = await people.top_up(services, root, user_id=mia.id, quota=-400, remark="refund", may_take=True)
    assert taken == (900, 500)
    with pytest.raises(Refused, match="negative"):
        await people.top_up(services, root, user_id=mia.id, quota=-501, remark="", may_take=True)
    with pytest.raises(Refused):
        await people.top_up(services, root, user_id=mia.id, quota=-1, remark="")
    await site.books_add_up()


async def test_accounts_are_found_by_what_somebody_should_look_at(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("poor")
    await site.user("rich")
    rich, root = await account(site, "rich"), acting(await account(site, "root"))
    await people.top_up(services, root, user_id=rich.id, quota=900, remark="")
    # Without a balance that counts, nobody has a low one.
    await site.user("free")
    free = await account(site, "free")
    await services.database.write(lambda conn: users.set_unlimited(conn, free.id, True, now_ms=1))
    for wanted, expected in (
        (UserFilter(below=500), {"poor"}),
        (UserFilter(is_idle=True, role=1), {"poor", "rich", "free"}),
        (UserFilter(has_no_second_factor=True, text="RI"), {"rich"}),
        (UserFilter(role=10), set()),
    ):
        rows, total = await services.database.read(lambda conn: user_page(conn, wanted, Sort(), Page(0, 9)))  # noqa: B023
        assert {user.username for user in rows} - {"root"} == expected
        assert total == len(rows)


async def test_an_unlimited_account_never_runs_out(site: Site) -> None:
    await site.user("mia")
    mia = await account(site, "mia")
    today = int(time.time()) // 86_400 * 86_400
    days = [Day(start=today - 86_400 * back, requests=1, units=50) for back in range(9, -1, -1)]
    spender = replace(mia, quota=500)
    assert lasts_of(spender, days) == pytest.approx(10 * 86_400, rel=0.2)
    assert lasts_of(replace(spender, unlimited_quota=True), days) is None


async def test_a_list_knows_tokens_visits_and_who_invited(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("host")
    code = (await account(site, "host")).aff_code
    body = {"username": "guest", "password": "password123", "aff_code": code}
    await site.visitor().call("POST", "/api/user/register", json=body)
    host, guest = await account(site, "host"), await account(site, "guest")
    rows = await user_care.rows_of(services, [host, guest])
    assert rows[guest.id].inviter == "host"
    assert (rows[guest.id].facts.tokens, rows[guest.id].facts.active_at) == (1, 0)
    assert rows[host.id].facts.active_at == pytest.approx(time.time(), abs=60)
    assert (await user_care.invitations_of(services, host)).people == 1


async def test_the_last_way_in_is_not_untied(site: Site) -> None:
    await site.user("mia")
    mia = await account(site, "mia")

    def tie(conn: object) -> None:
        users.change(conn, mia.id, {"github_id": "octo"})  # type: ignore[arg-type]

    await site.services.database.write(tie)
    tied = await account(site, "mia")
    with pytest.raises(NotAllowed):
        await user_care.untie(site.services, acting(tied), replace(tied, password=""), "github")
    await user_care.untie(site.services, acting(tied), tied, "github")
    assert (await account(site, "mia")).github_id == ""
    with pytest.raises(Refused):
        await user_care.untie(site.services, acting(tied), await account(site, "mia"), "github")
