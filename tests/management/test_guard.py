"""Who may call what, and when a session ends."""

from __future__ import annotations

import pytest
from quart import Blueprint, Quart

from gateway.management import guard
from gateway.management.app import create_management
from storage.records import Role
from tests.management.site import PASSWORD, Site, running_site
from tests.support.engines import FreshDatabase


def _routes(site: Site) -> list[tuple[str, str, guard.Guard]]:
    app = create_management(site.services)
    found = []
    for rule in app.url_map.iter_rules():
        declared = guard.guard_of(app.view_functions[rule.endpoint])
        assert declared is not None
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", "1")
        found += [(method, path, declared) for method in rule.methods or () if method not in ("HEAD", "OPTIONS")]
    return found


async def test_a_route_without_a_guard_stops_the_application() -> None:
    app = Quart(__name__, static_folder=None)
    area = Blueprint("area", __name__)

    @area.get("/api/open")
    async def forgotten() -> str:
        return "everything"

    app.register_blueprint(area)
    with pytest.raises(TypeError, match="/api/open"):
        guard.check_routes(app)


async def test_every_route_refuses_whoever_is_not_meant(site: Site) -> None:
    nobody, user, admin = site.visitor(), await site.user("mia"), await site.user("ada", role="admin")
    token = await user.call("GET", "/api/user/token")
    routes = _routes(site)
    assert len(routes) > 70
    for method, path, declared in routes:
        if declared.kind == "anybody":
            continue
        answer = await nobody.send(method, path)
        assert answer.status_code == 401, (method, path)
        if declared.kind == "key":
            # Neither a session nor an access token is an API key.
            assert (await user.send(method, path)).status_code == 401, (method, path)
            continue
        for person, role in ((user, Role.USER), (admin, Role.ADMIN)):
            if role < declared.role:
                assert (await person.send(method, path)).status_code == 403, (method, path, role)
        if declared.role > Role.USER:
            by_token = await nobody.send(method, path, headers={"Authorization": token})
            assert by_token.status_code == 403, (method, path)


async def test_a_demoted_administrator_loses_the_power_at_once(site: Site) -> None:
    admin = await site.user("ada", role="admin")
    token = await admin.call("GET", "/api/user/token")
    await admin.call("GET", "/api/user/")
    await site.root.call("POST", "/api/user/manage", json={"username": "ada", "action": "demote"})
    assert (await admin.send("GET", "/api/user/")).status_code == 401
    by_token = await site.visitor().send("GET", "/api/user/", headers={"Authorization": token})
    assert by_token.status_code == 403


async def test_a_copied_cookie_dies_with_the_logout(site: Site) -> None:
    person = await site.user("mia")
    thief = site.visitor(cookies=dict(person.client.cookies))
    await thief.call("GET", "/api/user/self")
    await person.call("GET", "/api/user/logout")
    assert (await thief.send("GET", "/api/user/self")).status_code == 401


async def test_a_new_password_ends_other_sessions_and_keeps_ones_own(site: Site) -> None:
    here, there = await site.user("mia"), site.visitor()
    await there.login("mia")
    change = {"username": "mia", "display_name": "Mia", "password": "another-one"}
    await here.call("PUT", "/api/user/self", json=change)
    await here.call("GET", "/api/user/self")
    assert (await there.send("GET", "/api/user/self")).status_code == 401


async def test_a_ban_is_told_to_session_and_access_token(site: Site) -> None:
    person = await site.user("mia")
    token = await person.call("GET", "/api/user/token")
    await site.root.call("POST", "/api/user/manage", json={"username": "mia", "action": "disable"})
    answer = await person.send("GET", "/api/user/self")
    assert (answer.status_code, answer.json()["message"]) == (403, "User has been banned")
    by_token = await site.visitor().send("GET", "/api/user/self", headers={"Authorization": f"Bearer {token}"})
    assert by_token.status_code == 403


async def test_a_deleted_account_is_out_and_its_name_free(site: Site) -> None:
    person = await site.user("mia")
    key = (await site.token(person, unlimited_quota=True))["key"]
    await person.call("DELETE", "/api/user/self")
    assert (await person.send("GET", "/api/user/self")).status_code in (401, 403)
    by_key = await site.visitor().send("GET", "/api/user/get-by-token", headers={"Authorization": f"Bearer {key}"})
    assert by_key.status_code == 403
    await site.user("mia")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    login = {"username": "root", "password": "123456"}
    plain = await site.visitor().send("POST", "/api/user/login", json=login)
    cookie = plain.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    secure = await site.visitor().send("POST", "/api/user/login", json=login, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in secure.headers["Set-Cookie"]


async def test_an_untrusted_proxy_cannot_change_the_cookie(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"trusted_proxies": ()}) as site:
        answer = await site.visitor().send(
            "POST",
            "/api/user/login",
            json={"username": "root", "password": "123456"},
            headers={"X-Forwarded-Proto": "https"},
        )
        assert "Secure" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_other_sites_cannot_change_anything(site: Site, headers: dict[str, str]) -> None:
    person = await site.user("mia")
    for method, path in (("GET", "/api/user/logout"), ("GET", "/api/user/token"), ("DELETE", "/api/user/self")):
        assert (await person.send(method, path, headers=headers)).status_code == 403, path
    await person.call("GET", "/api/user/self", headers=headers)


async def test_our_own_pages_and_scripts_pass(site: Site) -> None:
    person = await site.user("mia")
    token = await person.call("GET", "/api/user/token")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": site.url}, {}):
        token = await person.call("GET", "/api/user/token", headers=headers)
    foreign = {"Origin": "https://tools.example", "Authorization": token}
    await site.visitor().call("GET", "/api/user/token", headers=foreign)


async def test_signing_in_says_the_same_for_unknown_names_and_wrong_passwords(site: Site) -> None:
    await site.user("mia")
    visitor = site.visitor()
    unknown = await visitor.refused("POST", "/api/user/login", json={"username": "nobody", "password": PASSWORD})
    wrong = await visitor.refused("POST", "/api/user/login", json={"username": "mia", "password": "wrong-one"})
    assert unknown == wrong


async def test_guessing_is_slowed_down_for_account_and_address_only(site: Site) -> None:
    await site.user("mia")
    guesser = site.visitor(headers={"X-Forwarded-For": "203.0.113.9"})
    statuses = [
        (
            await guesser.send("POST", "/api/user/login", json={"username": "mia", "password": f"guess-{number}"})
        ).status_code
        for number in range(12)
    ]
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429
    right = await guesser.send("POST", "/api/user/login", json={"username": "mia", "password": PASSWORD})
    assert right.status_code == 429
    await site.visitor(headers={"X-Forwarded-For": "203.0.113.10"}).login("mia")
    await guesser.login("root", "123456")


async def test_switched_off_passwords_leave_root_in(site: Site) -> None:
    await site.user("mia")
    await site.root.call("PUT", "/api/option/", json={"key": "PasswordLoginEnabled", "value": "false"})
    await site.visitor().refused("POST", "/api/user/login", json={"username": "mia", "password": PASSWORD})
    await site.visitor().login("root", "123456")
