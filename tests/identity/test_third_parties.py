"""Signing in with third parties, as browsers and pages do it."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
from joserfc.jwk import RSAKey

from gateway.accounts.totp import PERIOD_S, code_at
from tests.identity.conftest import set_options
from tests.management.site import Person, Site
from tests.support.third_parties import BRIDGE_TOKEN, CLIENT, SECRET, ThirdParties

NOT_SAME = "state is empty or not same"


async def _use_oidc(site: Site, others: ThirdParties, **more: object) -> None:
    others.people["kim"] = {"email": "kim@example.com", "name": "Kim Doe", "preferred_username": "kim"}
    await set_options(
        site,
        **{
            "OidcClientId": CLIENT,
            "OidcClientSecret": SECRET,
            "OidcWellKnown": f"{others.url}/.well-known/openid-configuration",
            "ServerAddress": site.url,
            "OidcEnabled": "true",
            **more,
        },
    )


async def _go(person: Person, name: str = "kim", *, provider: str = "oidc") -> str:
    """Follow the way of a browser to the third party, and return the address that it is sent back to."""
    away = await person.send("GET", f"/api/oauth/{provider}/authorize")
    assert away.status_code == 303, away.text
    back = await person.client.get(away.headers["Location"], headers={"Cookie": f"login_as={name}"})
    return str(back.headers["Location"])


async def _come_back(person: Person, address: str) -> dict[str, Any]:
    """Hand on what the third party gave, as the page at `/oauth/oidc` of a dashboard does."""
    url = urlsplit(address)
    answer = await person.send("GET", f"/api{url.path}?{url.query}")
    return dict(answer.json())


async def test_a_browser_signs_in_with_discovery_pkce_nonce_and_a_signed_token(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(site, others)
    kim = site.visitor()
    away = (await kim.send("GET", "/api/oauth/oidc/authorize")).headers["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away).query).items()}
    assert asked["redirect_uri"] == f"{site.url}/oauth/oidc"
    assert (asked["code_challenge_method"], len(asked["nonce"]) > 20, len(asked["state"]) > 20) == (
        "S256",
        True,
        True,
    )
    back = (await kim.client.get(away, headers={"Cookie": "login_as=kim"})).headers["Location"]
    home = await kim.send("GET", back)
    assert (home.status_code, home.headers["Location"]) == (303, "/")
    myself = await kim.call("GET", "/api/user/self")
    assert (myself["username"], myself["display_name"], myself["email"]) == ("kim", "Kim Doe", "kim@example.com")
    assert myself["oidc_id"] == "sub-kim"
    assert others.token_requests[0]["code_verifier"]
    # The next time they are found again, and what new accounts get is not given twice.
    again = site.visitor()
    assert (await _come_back(again, await _go(again)))["data"]["id"] == myself["id"]
    await site.books_add_up()


async def test_a_new_account_gets_what_registration_gives(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others, QuotaForNewUser=1234)
    kim = site.visitor()
    await _come_back(kim, await _go(kim))
    assert (await kim.call("GET", "/api/user/self"))["quota"] == 1234
    assert [token["name"] for token in await kim.call("GET", "/api/token/")] == ["default"]
    await site.books_add_up()


async def test_a_code_is_good_only_in_the_browser_that_went_for_it(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    kim, victim = site.visitor(), site.visitor()
    back = await _go(kim)
    await _go(victim)
    answer = await victim.send("GET", f"/api/oauth/oidc?{urlsplit(back).query}")
    assert (answer.status_code, answer.json()["message"]) == (403, NOT_SAME)
    fresh = await site.visitor().send("GET", "/api/oauth/oidc", params={"code": "code-kim", "state": ""})
    assert (fresh.status_code, fresh.json()["message"]) == (403, NOT_SAME)


async def test_a_way_to_one_third_party_does_not_lead_back_from_another(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    await set_options(site, GitHubClientId=CLIENT, GitHubClientSecret=SECRET, GitHubOAuthEnabled="true")
    kim = site.visitor()
    query = urlsplit(await _go(kim)).query
    answer = await kim.send("GET", f"/api/oauth/github?{query}")
    assert (answer.status_code, answer.json()["message"]) == (403, NOT_SAME)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "another browser's"),
        ({"aud": "another"}, "another client"),
        ({"iss": "https://evil.example.com"}, "another issuer's"),
        ({"exp": 1}, "expired"),
        ({"sub": "sub-other"}, "names two people"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_opens_nothing(
    site: Site, others: ThirdParties, claims: dict[str, Any], why: str
) -> None:
    await _use_oidc(site, others)
    others.claims = claims
    kim = site.visitor()
    answer = await _come_back(kim, await _go(kim))
    assert answer["success"] is False
    assert why in answer["message"]
    assert (await kim.send("GET", "/api/user/self")).status_code == 401


async def test_a_token_of_another_key_or_none_at_all_opens_nothing(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    others.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    kim = site.visitor()
    assert "signature" in (await _come_back(kim, await _go(kim)))["message"]
    others.signs_with, others.gives_id_token = None, False
    assert "no id token" in (await _come_back(kim, await _go(kim)))["message"]


async def test_a_stolen_code_without_the_verifier_is_refused_by_the_provider(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(site, others)
    kim, thief = site.visitor(), site.visitor()
    code = parse_qs(urlsplit(await _go(kim)).query)["code"][0]
    state = await thief.call("GET", "/api/oauth/state")
    answer = await thief.refused("GET", "/api/oauth/oidc", params={"code": code, "state": state})
    assert "does not accept the code" in answer


async def test_pages_of_one_api_that_know_only_a_state_go_on_working(site: Site, others: ThirdParties) -> None:
    others.people["kim"] = {"email": "kim@example.com"}
    others.gives_id_token = False
    await set_options(
        site,
        OidcClientId=CLIENT,
        OidcClientSecret=SECRET,
        OidcTokenEndpoint=f"{others.url}/token",
        OidcUserinfoEndpoint=f"{others.url}/userinfo",
        OidcEnabled="true",
    )
    kim = site.visitor()
    state = await kim.call("GET", "/api/oauth/state")
    user = await kim.call("GET", "/api/oauth/oidc", params={"code": "code-kim", "state": state})
    assert (user["username"], user["display_name"]) == ("oidc_2", "OIDC User")


async def test_a_discovery_document_out_of_reach_does_not_lock_out_who_has_endpoints(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(
        site,
        others,
        OidcWellKnown="http://127.0.0.1:9/nothing",
        OidcTokenEndpoint=f"{others.url}/token",
        OidcUserinfoEndpoint=f"{others.url}/userinfo",
    )
    kim = site.visitor()
    state = await kim.call("GET", "/api/oauth/state")
    await kim.call("GET", "/api/oauth/oidc", params={"code": "code-kim", "state": state})
    assert site.notes.named("oidc.undiscovered")
    others.claims = {"aud": "another"}
    other = site.visitor()
    state = await other.call("GET", "/api/oauth/state")
    assert "another client" in await other.refused(
        "GET", "/api/oauth/oidc", params={"code": "code-kim", "state": state}
    )


async def test_a_provider_that_wants_the_secret_as_a_header_gets_it_so(site: Site, others: ThirdParties) -> None:
    others.auth_methods = ["client_secret_basic"]
    await _use_oidc(site, others)
    kim = site.visitor()
    assert (await _come_back(kim, await _go(kim)))["success"] is True
    assert "client_secret" not in others.token_requests[0]


async def test_a_name_that_is_taken_gets_a_number(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    await site.user("kim")
    kim = site.visitor()
    assert (await _come_back(kim, await _go(kim)))["data"]["username"] == "kim1"


@pytest.mark.parametrize("verified", [False, "false"])
async def test_an_address_that_the_provider_did_not_verify_is_not_taken(
    site: Site, others: ThirdParties, verified: object
) -> None:
    await _use_oidc(site, others)
    others.userinfo = {"email_verified": verified}
    kim = site.visitor()
    await _come_back(kim, await _go(kim))
    assert (await kim.call("GET", "/api/user/self"))["email"] == ""


async def test_an_address_that_somebody_has_is_not_taken_either(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    await site.user("nick")
    body = {
        "id": await site.number_of("nick"),
        "username": "nick",
        "display_name": "nick",
        "email": "KIM@example.com",
    }
    await site.root.call("PUT", "/api/user/", json=body)
    kim = site.visitor()
    await _come_back(kim, await _go(kim))
    assert (await kim.call("GET", "/api/user/self"))["email"] == ""


async def test_somebody_signed_in_binds_and_a_taken_identity_stays_where_it_is(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(site, others)
    mona, nick = await site.user("mona"), await site.user("nick")
    assert (await _come_back(mona, await _go(mona)))["message"] == "bind"
    assert (await mona.call("GET", "/api/user/self"))["oidc_id"] == "sub-kim"
    assert (await _come_back(nick, await _go(nick)))["message"] == "This OIDC account has already been bound"
    # A finished way is not gone twice.
    back = await _go(mona, "kim")
    others.people["other"] = {"name": "Other"}
    await _come_back(mona, back)
    visitor = site.visitor()
    assert (await _come_back(visitor, await _go(visitor)))["data"]["username"] == "mona"


async def test_banned_people_stay_out_and_new_ones_where_registration_is_closed(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(site, others, RegisterEnabled="false")
    kim = site.visitor()
    closed = await _come_back(kim, await _go(kim))
    assert closed["message"] == "The administrator has turned off new user registration"
    await set_options(site, RegisterEnabled="true")
    await _come_back(kim, await _go(kim))
    await site.root.call("POST", "/api/user/manage", json={"username": "kim", "action": "disable"})
    again = site.visitor()
    assert (await _come_back(again, await _go(again)))["message"] == "User has been banned"


async def test_a_browser_whose_sign_in_fails_is_sent_to_the_sign_in_page(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    kim = site.visitor()
    back = await _go(kim)
    others.claims = {"exp": 1}
    answer = await kim.send("GET", back)
    assert answer.status_code == 303
    # Why stands in the session: an address could be made by anybody.
    assert answer.headers["Location"] == "/login"


async def test_a_silent_provider_ends_the_waiting(
    site: Site, others: ThirdParties, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.identity import web

    monkeypatch.setattr(web, "CALL_LIMIT_S", 0.2)
    await _use_oidc(site, others)
    others.is_silent = True
    assert "cannot be reached" in await site.visitor().refused("GET", "/api/oauth/oidc/authorize")


async def test_github(site: Site, others: ThirdParties) -> None:
    others.people["octo"] = {"name": None, "email": "octo@example.com"}
    person = site.visitor()
    state = await person.call("GET", "/api/oauth/state")
    query = {"code": "code-octo", "state": state}
    assert "did not turn on" in await person.refused("GET", "/api/oauth/github", params=query)
    await set_options(site, GitHubClientId=CLIENT, GitHubClientSecret=SECRET, GitHubOAuthEnabled="true")
    user = await person.call("GET", "/api/oauth/github", params=query)
    assert (user["username"], user["display_name"]) == ("github_2", "GitHub User")
    myself = await person.call("GET", "/api/user/self")
    assert (myself["github_id"], myself["email"]) == ("octo", "octo@example.com")
    assert (others.token_requests[0]["client_id"], others.token_requests[0]["client_secret"]) == (CLIENT, SECRET)
    stranger = site.visitor()
    state = await stranger.call("GET", "/api/oauth/state")
    refused = await stranger.refused("GET", "/api/oauth/github", params={"code": "code-none", "state": state})
    assert "GitHub does not accept the code" in refused


async def test_lark(site: Site, others: ThirdParties) -> None:
    others.people["li"] = {"name": "Li Wei", "email": "li.wei@example.com"}
    person = site.visitor()
    state = await person.call("GET", "/api/oauth/state")
    query = {"code": "code-li", "state": state}
    assert "did not turn on" in await person.refused("GET", "/api/oauth/lark", params=query)
    await set_options(site, LarkClientId="lark-client", LarkClientSecret="lark-secret")
    user = await person.call("GET", "/api/oauth/lark", params=query)
    assert (user["username"], user["display_name"]) == ("li.wei", "Li Wei")
    assert (await person.call("GET", "/api/user/self"))["lark_id"] == "ou-li"
    assert others.token_requests[0]["redirect_uri"].endswith("/oauth/lark")


async def test_wechat(site: Site, others: ThirdParties) -> None:
    others.people["wen"] = {}
    others.people["wu"] = {}
    await set_options(site, WeChatServerAddress=others.url, WeChatServerToken=BRIDGE_TOKEN, WeChatAuthEnabled="true")
    person = site.visitor()
    refused = await person.refused("GET", "/api/oauth/wechat", params={"code": "code-nobody"})
    assert refused == "the bridge does not know this code"
    user = await person.call("GET", "/api/oauth/wechat", params={"code": "code-wen"})
    assert (user["username"], user["display_name"]) == ("wechat_2", "WeChat User")
    mona = await site.user("mona")
    await mona.call("GET", "/api/oauth/wechat/bind", params={"code": "code-wu"})
    taken = await mona.refused("GET", "/api/oauth/wechat/bind", params={"code": "code-wen"})
    assert taken == "The WeChat account has been bound"
    wrong = await site.visitor().send("GET", "/api/oauth/wechat", params={"code": "code-wen", "state": "forged"})
    assert (wrong.status_code, wrong.json()["message"]) == (403, NOT_SAME)


async def test_turnstile_is_asked_for_once_and_remembered(site: Site, others: ThirdParties) -> None:
    await set_options(
        site, TurnstileSiteKey="site", TurnstileSecretKey="turnstile-secret", TurnstileCheckEnabled="true"
    )
    person = site.visitor()
    body = {"username": "rita", "password": "password123"}
    assert await person.refused("POST", "/api/user/register", json=body) == "Turnstile token is empty"
    robot = await person.refused("POST", "/api/user/register", params={"turnstile": "a robot"}, json=body)
    assert robot.startswith("Turnstile verification failed")
    await person.call("POST", "/api/user/register", params={"turnstile": "a person"}, json=body)
    assert others.turnstile[-1] == {"secret": "turnstile-secret", "response": "a person", "remoteip": "127.0.0.1"}
    await person.call("POST", "/api/user/register", json={**body, "username": "rosa"})
    assert len(others.turnstile) == 2
    assert await site.visitor().refused("GET", "/api/verification", params={"email": "a@example.com"}) == (
        "Turnstile token is empty"
    )
    # Signing in asks for none.
    await site.visitor().login("rita")


async def _with_second_factor(person: Person) -> str:
    """Switch the second factor of whoever is signed in on, with a code of the last period; return the secret."""
    secret = str((await person.call("GET", "/api/user/totp/setup"))["secret"])
    await person.call("POST", "/api/user/totp/confirm", json={"totp_code": code_at(secret, _period() - 1)})
    return secret


def _period() -> int:
    return int(time.time()) // PERIOD_S


@pytest.mark.slow
async def test_a_second_factor_is_asked_for_whatever_a_third_party_says(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    kim = site.visitor()
    number = (await _come_back(kim, await _go(kim)))["data"]["id"]
    secret = await _with_second_factor(kim)
    thief = site.visitor()
    answer = await _come_back(thief, await _go(thief))
    assert answer == {
        "success": False,
        "message": "totp_required",
        "data": {"totp_required": True, "user_id": number},
    }
    assert (await thief.send("GET", "/api/user/self")).status_code == 401
    # Attempts are counted, one a second; this one must not be too early.
    await trio.sleep(1.1)
    assert await thief.refused("POST", "/api/user/login/totp", json={"totp_code": "000000"}) == "Invalid TOTP code"
    await trio.sleep(1.1)
    found = await thief.call("POST", "/api/user/login/totp", json={"totp_code": code_at(secret, _period())})
    assert found["id"] == number
    assert (await thief.call("GET", "/api/user/self"))["username"] == "kim"


async def test_a_browser_with_a_second_factor_is_sent_to_the_page_that_asks(site: Site, others: ThirdParties) -> None:
    await _use_oidc(site, others)
    kim = site.visitor()
    await _come_back(kim, await _go(kim))
    await _with_second_factor(kim)
    again = site.visitor()
    away = await again.send("GET", await _go(again))
    assert (away.status_code, away.headers["Location"]) == (303, "/login/code")
    assert (await again.send("GET", "/api/user/self")).status_code == 401


async def test_a_code_alone_signs_nobody_in(site: Site) -> None:
    refused = await site.visitor().refused("POST", "/api/user/login/totp", json={"totp_code": "123456"})
    assert refused == "Please sign in again"


async def test_a_sign_in_that_waits_for_its_code_ends_with_the_account_s_sessions(
    site: Site, others: ThirdParties
) -> None:
    await _use_oidc(site, others)
    kim = site.visitor()
    await _come_back(kim, await _go(kim))
    secret = await _with_second_factor(kim)
    waiting = site.visitor()
    await _come_back(waiting, await _go(waiting))
    await kim.call("GET", "/api/user/logout")
    given = {"totp_code": code_at(secret, _period())}
    assert await waiting.refused("POST", "/api/user/login/totp", json=given) == "Please sign in again"
