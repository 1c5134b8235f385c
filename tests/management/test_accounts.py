"""Accounts, as administrators and their owners handle them, on each engine."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.accounts import totp
from gateway.accounts.refusals import InvalidInput, NameTaken
from gateway.accounts.users import UserEdit, create_complete_user
from gateway.audit.author import Author
from storage.records import Role
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from tests.management.site import PASSWORD, Site

if TYPE_CHECKING:
    from sqlalchemy import Connection


async def test_new_accounts_come_with_gifts_a_token_and_balanced_books(site_everywhere: Site) -> None:
    site = site_everywhere
    for key, value in (("QuotaForNewUser", "1000"), ("QuotaForInviter", "300"), ("QuotaForInvitee", "200")):
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": value})
    inviter = await site.user("ina")
    code = await inviter.call("GET", "/api/user/aff")
    guest = site.visitor()
    await guest.call("POST", "/api/user/register", json={"username": "gus", "password": PASSWORD, "aff_code": code})
    await guest.login("gus")
    assert (await guest.call("GET", "/api/user/self"))["quota"] == 1200
    assert (await inviter.call("GET", "/api/user/self"))["quota"] == 1300
    (token,) = await guest.call("GET", "/api/token/")
    assert (token["name"], token["unlimited_quota"], len(token["key"])) == ("default", True, 51)
    texts = [entry["content"] for entry in await guest.call("GET", "/api/log/self")]
    assert texts == [
        "Gifted ＄0.000400 quota for using invitation code",  # noqa: RUF001
        "New user registration gift ＄0.002000 quota",  # noqa: RUF001
    ]
    await site.books_add_up()


async def test_quota_edits_and_top_ups_are_posted(site_everywhere: Site) -> None:
    site = site_everywhere
    person = await site.user("mia")
    number = await site.number_of("mia")
    edit = {"id": number, "username": "mia", "display_name": "mia", "quota": 12_345}
    await site.root.call("PUT", "/api/user/", json=edit)
    await site.root.call("POST", "/api/topup", json={"user_id": number, "quota": 655, "remark": "invoice 7"})
    assert (await person.call("GET", "/api/user/self"))["quota"] == 13_000
    await site.root.call("PUT", "/api/user/", json=edit | {"quota": 0})
    assert (await person.call("GET", "/api/user/self"))["quota"] == 0
    entries = await site.root.call("GET", "/api/log/", params={"username": "mia", "type": 3})
    assert [entry["content"] for entry in entries] == [
        "Admin changed user quota from ＄0.026000 quota to ＄0.000000 quota",  # noqa: RUF001
        "Admin changed user quota from ＄0.000000 quota to ＄0.024690 quota",  # noqa: RUF001
    ]
    await site.books_add_up()


@pytest.mark.parametrize("quota", [0, -5, 2**60, 10**400, 1.5, "7", True])
async def test_a_top_up_is_a_sane_number(site: Site, quota: object) -> None:
    await site.user("mia")
    number = await site.number_of("mia")
    await site.root.refused("POST", "/api/topup", json={"user_id": number, "quota": quota})
    await site.root.refused("POST", "/api/topup", json={"user_id": 999, "quota": 5})


async def test_an_administrator_cannot_write_what_is_not_theirs(site: Site) -> None:
    admin, _ = await site.user("ada", role="admin"), await site.user("mia")
    number = await site.number_of("mia")
    smuggled = {
        "access_token": "0" * 32,
        "totp_secret": "JBSWY3DPEHPK3PXP",
        "used_quota": 9,
        "request_count": 9,
        "inviter_id": 1,
        "aff_code": "zzzz",
        "created_at": 1,
    }
    edit = {"id": number, "username": "mia", "display_name": "Mia", **smuggled}
    await admin.call("PUT", "/api/user/", json=edit)
    shown = await admin.call("GET", f"/api/user/{number}")
    assert shown["display_name"] == "Mia"
    assert {name: shown.get(name) for name in ("used_quota", "request_count", "inviter_id")} == {
        "used_quota": 0,
        "request_count": 0,
        "inviter_id": 0,
    }
    assert shown["aff_code"] != "zzzz"
    as_mia = await site.visitor().send("GET", "/api/user/self", headers={"Authorization": "0" * 32})
    assert as_mia.status_code == 401


async def test_an_administrator_reaches_only_down(site: Site) -> None:
    admin, _ = await site.user("ada", role="admin"), await site.user("bob", role="admin")
    bob = await site.number_of("bob")
    edit = {"id": bob, "username": "bob", "display_name": "bob"}
    await admin.refused("PUT", "/api/user/", json=edit)
    await admin.refused("GET", f"/api/user/{bob}")
    await admin.refused("DELETE", f"/api/user/{bob}")
    await admin.refused("POST", "/api/user/manage", json={"username": "root", "action": "demote"})
    await site.user("mia")
    mia = await site.number_of("mia")
    for role in (10, 100):
        refused = {"id": mia, "username": "mia", "display_name": "mia", "role": role}
        await admin.refused("PUT", "/api/user/", json=refused)


async def test_nobody_ends_root(site: Site) -> None:
    number = await site.number_of("root")
    edit = {"id": number, "username": "root", "display_name": "Root"}
    await site.root.refused("PUT", "/api/user/", json=edit | {"status": 2})
    await site.root.refused("PUT", "/api/user/", json=edit | {"role": 1})
    for action in ("disable", "demote", "delete"):
        await site.root.refused("POST", "/api/user/manage", json={"username": "root", "action": action})
    await site.root.refused("DELETE", "/api/user/self")
    await site.root.refused("DELETE", f"/api/user/{number}")
    await site.root.call("PUT", "/api/user/", json=edit | {"role": 100, "status": 1})


async def test_no_list_shows_a_secret(site: Site) -> None:
    person = await site.user("mia")
    token = await person.call("GET", "/api/user/token")
    for path in ("/api/user/?size=100", "/api/user/search?keyword=", f"/api/user/{await site.number_of('mia')}"):
        text = (await site.root.send("GET", path)).text
        assert token not in text
        assert "totp_secret" not in text
        assert "$2b$" not in text


async def test_a_manage_step_is_known_and_names_somebody(site: Site) -> None:
    await site.user("mia")
    assert await site.root.refused("POST", "/api/user/manage", json={"username": "mia", "action": "dance"})
    assert await site.root.refused("POST", "/api/user/manage", json={"username": "", "action": "disable"})
    assert (await site.root.call("GET", "/api/user/self"))["status"] == 1


async def test_a_taken_name_is_told_in_our_words(site_everywhere: Site) -> None:
    site = site_everywhere
    person = await site.user("mia")
    again = {"username": "mia", "password": PASSWORD}
    assert await site.root.refused("POST", "/api/user/", json=again) == "Username already exists"
    assert await site.visitor().refused("POST", "/api/user/register", json=again) == "Username already exists"
    rename = {"username": "root", "display_name": "R"}
    assert await person.refused("PUT", "/api/user/self", json=rename) == "Username already exists"
    await site.books_add_up()


async def test_searching_and_sorting_are_the_same_everywhere(site_everywhere: Site) -> None:
    site = site_everywhere
    for name in ("Anna", "annabel", "b_nna", "Banana"):
        await site.root.call("POST", "/api/user/", json={"username": name, "password": PASSWORD})
    number = await site.number_of("Banana")

    async def found(keyword: str, **more: str) -> list[str]:
        rows = await site.root.call("GET", "/api/user/search", params={"keyword": keyword, **more})
        return [row["username"] for row in rows]

    assert await found("ANNA", sort="id", order="asc") == ["Anna", "annabel"]
    assert await found("b_") == ["b_nna"]
    assert await found("%") == []
    assert await found(str(number)) == ["Banana"]
    assert await found("", sort="username", order="asc") == ["Anna", "Banana", "annabel", "b_nna", "root"]
    assert await found("", sort="quota") == ["root", "Banana", "b_nna", "annabel", "Anna"]
    await site.root.call("DELETE", f"/api/user/{number}")
    assert "deleted_" not in "".join(await found(""))


async def test_an_unknown_column_sorts_by_nothing_but_age(site: Site) -> None:
    for name in ("zoe", "amy"):
        await site.root.call("POST", "/api/user/", json={"username": name, "password": PASSWORD})
    for column in ("password", "(select access_token from users)", "id;drop table users", "nonsense"):
        rows = await site.root.call("GET", "/api/user/", params={"sort": column, "order": "asc"})
        assert [row["username"] for row in rows] == ["amy", "zoe", "root"], column


async def test_pages_are_cut_and_counted(site: Site) -> None:
    for name in ("u1", "u2", "u3"):
        await site.root.call("POST", "/api/user/", json={"username": name, "password": PASSWORD})
    for query, names in (
        ({"p": "1", "size": "2"}, ["u1", "root"]),
        ({"p": "-3", "size": "1"}, ["u3"]),
        ({"p": "x", "size": "0"}, ["u3", "u2", "u1", "root"]),
        ({"p": "99999999999999999999999"}, ["u3", "u2", "u1", "root"]),
        ({"p": "9223372036854775807"}, []),
    ):
        body = (await site.root.send("GET", "/api/user/", params=query)).json()
        assert ([row["username"] for row in body["data"]], body["total"]) == (names, 4), query


@pytest.mark.parametrize(
    "body",
    [{"username": "", "password": PASSWORD}, {"username": "   ", "password": PASSWORD}, {"password": PASSWORD}],
)
async def test_nobody_registers_without_a_name(site: Site, body: dict[str, str]) -> None:
    assert await site.visitor().refused("POST", "/api/user/register", json=body)


async def test_the_api_takes_passwords_up_to_the_length_that_one_api_took(site: Site) -> None:
    mia = await site.user("mia")
    number = (await (await site.user("ben")).call("GET", "/api/user/self"))["id"]
    for who, method, path, body in (
        (site.visitor(), "POST", "/api/user/register", {"username": "noa"}),
        (site.root, "POST", "/api/user/", {"username": "eve"}),
        (site.root, "PUT", "/api/user/", {"id": number, "username": "ben", "display_name": "Ben"}),
        (mia, "PUT", "/api/user/self", {"username": "mia", "display_name": "Mia"}),
    ):
        assert await who.refused(method, path, json={**body, "password": "x" * 21}), path
        await who.call(method, path, json={**body, "password": "x" * 20})


async def test_a_password_beyond_what_bcrypt_reads_is_refused(site: Site) -> None:
    body = {"username": "emo", "password": "😀" * 19}
    message = await site.visitor().refused("POST", "/api/user/register", json=body)
    assert message == "Invalid input, please check your input"


async def test_accounts_to_choose_for_the_dashboard_come_in_pages_if_asked(site: Site) -> None:
    for number in range(3):
        await site.user(f"u{number}")
    path = "/api/user/dashboard/users"
    everybody = [row["username"] for row in await site.root.call("GET", path)]
    assert everybody == ["all", "u2", "u1", "u0", "root"]
    for query, names in (
        ({"size": 2}, ["all", "u2", "u1"]),
        ({"p": 1, "size": 2}, ["u0", "root"]),
        ({"p": 1}, []),
    ):
        body = (await site.root.send("GET", path, params=query)).json()
        assert ([row["username"] for row in body["data"]], body["total"]) == (names, 4), query


async def test_the_dashboard_sums_by_day_and_model(site_everywhere: Site) -> None:
    site = site_everywhere
    person = await site.user("mia")
    key = (await site.token(person, remain_quota=1000))["key"]
    for units, model in ((70, "model-a"), (30, "model-a"), (25, "model-b")):
        body = {"add_used_quota": units, "add_reason": model}
        await site.visitor().call("POST", "/api/token/consume", json=body, headers={"Authorization": key})
    for who in (person, site.root):
        found = await who.call("GET", "/api/user/dashboard")
        assert [(row["ModelName"], row["RequestCount"], row["Quota"]) for row in found["logs"]] == [
            ("model-a", 2, 100),
            ("model-b", 1, 25),
        ]
    assert (await site.root.call("GET", "/api/user/dashboard"))["status"] == "All Active"
    await person.refused("GET", "/api/user/dashboard", params={"user_id": "all"})


async def test_the_second_factor_is_asked_for_and_each_code_counts_once(site: Site) -> None:
    person = await site.user("mia")
    secret = (await person.call("GET", "/api/user/totp/setup"))["secret"]
    code = totp.code_at(secret, int(time.time()) // totp.PERIOD_S)
    await person.call("POST", "/api/user/totp/confirm", json={"totp_code": code})
    login = {"username": "mia", "password": PASSWORD}
    body = (await site.visitor().send("POST", "/api/user/login", json=login)).json()
    assert body["data"]["totp_required"] is True
    hurried = await site.visitor().send("POST", "/api/user/login", json=login | {"totp_code": code})
    assert hurried.status_code == 429
    await trio.sleep(1.1)
    assert (
        await site.visitor().refused("POST", "/api/user/login", json=login | {"totp_code": code})
        == "Invalid TOTP code"
    )


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, cut to six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [totp.code_at(secret, moment // 30) for moment in (59, 1_111_111_109, 20_000_000_000)] == [
        "287082",
        "081804",
        "353130",
    ]


async def test_an_unlimited_account_is_told_everywhere_and_keeps_its_balance(site_everywhere: Site) -> None:
    site = site_everywhere
    person = await site.user("mia")
    number = await site.number_of("mia")
    edit = {"id": number, "username": "mia", "display_name": "mia", "quota": 700}
    await site.root.call("PUT", "/api/user/", json=edit | {"unlimited_quota": True})
    for shown in (await person.call("GET", "/api/user/self"), await site.root.call("GET", f"/api/user/{number}")):
        assert (shown["quota"], shown["unlimited_quota"]) == (700, True)
    assert (await person.call("GET", "/api/user/dashboard"))["unlimited_quota"] is True
    listed = await site.root.call("GET", "/api/user/search", params={"keyword": "mia"})
    assert [row["unlimited_quota"] for row in listed] == [True]
    # Whoever knows nothing of it leaves it alone, and what is added is kept.
    await site.root.call("PUT", "/api/user/", json=edit | {"display_name": "Mia"})
    await site.root.call("POST", "/api/topup", json={"user_id": number, "quota": 55})
    await site.root.call("PUT", "/api/user/", json=edit | {"quota": None, "unlimited_quota": False})
    shown = await person.call("GET", "/api/user/self")
    assert (shown["quota"], shown["unlimited_quota"]) == (755, False)
    entries = await site.root.call("GET", "/api/log/", params={"username": "mia", "type": 3})
    assert [entry["content"] for entry in entries if "＄" not in entry["content"]] == [  # noqa: RUF001
        "Admin limited the user to the quota that is left again",
        "Admin made the quota of the user unlimited",
    ]
    trail = await site.services.database.read(lambda conn: everything_of(conn, number))
    assert [row["unlimited_quota"] for row in trail if "unlimited_quota" in row] == [[False, True], [True, False]]
    await site.books_add_up()


def everything_of(conn: Connection, user_id: int) -> list[dict[str, object]]:
    """The changes that the audit has of an account, oldest first."""
    rows, _total = page(conn, AuditFilter(kind="user", object_id=user_id), Page(0, 50))
    return [json.loads(row.changes) for row in rows[::-1]]


async def test_billing_of_an_unlimited_account_has_no_end(site: Site) -> None:
    person = await site.user("mia")
    number = await site.number_of("mia")
    await site.root.call("PUT", "/api/option/", json={"key": "DisplayTokenStatEnabled", "value": "false"})
    edit = {"id": number, "username": "mia", "display_name": "mia", "quota": 500_000}
    found = []
    for unlimited in (False, True):
        await site.root.call("PUT", "/api/user/", json=edit | {"unlimited_quota": unlimited})
        (token,) = await person.call("GET", "/api/token/")
        key = {"Authorization": f"Bearer {token['key']}"}
        found.append((await site.visitor().send("GET", "/v1/dashboard/billing/subscription", headers=key)).json())
    assert [one["hard_limit_usd"] for one in found] == [1, 100_000_000]


async def test_a_made_account_is_whole_or_not_there(site_everywhere: Site) -> None:
    """Fields, log, ledger and audit are of one transaction."""
    site = site_everywhere
    boss = Author(id=1, username="root", role=Role.ROOT, address="::1", via="page")
    edit = UserEdit(
        id=0,
        username="mia",
        display_name="",
        password=PASSWORD,
        email="mia@example.com",
        role=Role.ADMIN,
        status=2,
        group="vip",
        quota=900,
        unlimited_quota=True,
    )
    with pytest.raises(InvalidInput):
        await create_complete_user(site.services, boss, replace(edit, group="g" * 40))
    with pytest.raises(NameTaken):
        await create_complete_user(site.services, boss, replace(edit, username="root"))
    assert (await site.root.call("GET", "/api/user/search", params={"keyword": "mia"})) == []

    number = await create_complete_user(site.services, boss, edit)
    shown = await site.root.call("GET", f"/api/user/{number}")
    wanted = {"display_name": "mia", "email": "mia@example.com", "role": 10, "status": 2, "group": "vip"}
    wanted |= {"quota": 900, "unlimited_quota": True}
    assert {name: shown[name] for name in wanted} == wanted
    (made,) = await site.services.database.read(lambda conn: everything_of(conn, number))
    assert {name: after for name, (_before, after) in made.items()} == wanted
    entries = await site.root.call("GET", "/api/log/", params={"username": "mia"})
    assert len(entries) == 2
    assert entries[1]["content"].startswith("Admin made the account with quota")
    await site.books_add_up()
