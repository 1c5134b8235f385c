"""Everybody outside, on one loopback address: an OpenID Connect provider, GitHub, Lark, a WeChat bridge, Turnstile,
Message Pusher and an alert service.

    async with third_parties() as outside:
        outside.people["kim"] = {"email": "kim@example.com"}     # who can sign in there, by name
        ...                                                      # codes of all of them are `code-NAME`

The OpenID Connect provider signs its id tokens and checks client, redirect address and PKCE as a real one does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from joserfc import jwt
from joserfc.jwk import RSAKey
from quart import Response, redirect, request
from quart_trio import QuartTrio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLIENT, SECRET = "gateway", "hush-hush"
BRIDGE_TOKEN = "bridge-token"


@dataclass
class ThirdParties:
    """What they know, what they were asked, and how they misbehave."""

    url: str = ""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs_with: RSAKey | None = None
    """Another key than the published one."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Overrides claims of id tokens."""
    userinfo: dict[str, Any] = field(default_factory=dict)
    """Overrides members of the userinfo."""
    gives_id_token: bool = True
    has_pkce: bool = True
    auth_methods: list[str] = field(default_factory=lambda: ["client_secret_post", "client_secret_basic"])
    is_silent: bool = False
    pusher_refuses: bool = False
    token_requests: list[dict[str, str]] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    turnstile: list[dict[str, str]] = field(default_factory=list)
    sent_away: dict[str, dict[str, str]] = field(default_factory=dict)
    """By code: what the browser brought to the authorization endpoint."""
    news: trio.Event = field(default_factory=trio.Event)

    def happened(self) -> None:
        """Wake whoever waits for something to arrive."""
        self.news.set()
        self.news = trio.Event()

    async def wait(self, what: list[dict[str, Any]], count: int = 1) -> list[dict[str, Any]]:
        """Return `what` (`pushes`, `alerts`) once it has `count` entries."""
        with trio.fail_after(20):
            while len(what) < count:
                await self.news.wait()
        return what


@asynccontextmanager
async def third_parties() -> AsyncIterator[ThirdParties]:
    """Serve them until the block ends."""
    outside = ThirdParties()
    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = config.accesslog = None
    config.graceful_timeout = 0.2
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        (outside.url,) = await nursery.start(
            lambda task_status: serve(_app(outside), config, shutdown_trigger=stop.wait, task_status=task_status)
        )
        try:
            yield outside
        finally:
            stop.set()
            with trio.move_on_after(2, shield=True):
                await trio.sleep(0)
        nursery.cancel_scope.cancel()


def _json(body: object, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _app(outside: ThirdParties) -> QuartTrio:
    app = QuartTrio(__name__)

    @app.before_request
    async def hang() -> None:
        if outside.is_silent:
            await trio.sleep_forever()

    _add_oidc(app, outside)
    _add_others(app, outside)
    return app


def _add_oidc(app: QuartTrio, outside: ThirdParties) -> None:
    @app.get("/.well-known/openid-configuration")
    async def discovery() -> Response:
        document: dict[str, Any] = {
            "issuer": outside.url,
            "authorization_endpoint": f"{outside.url}/authorize",
            "token_endpoint": f"{outside.url}/token",
            "userinfo_endpoint": f"{outside.url}/userinfo",
            "jwks_uri": f"{outside.url}/jwks",
            "token_endpoint_auth_methods_supported": outside.auth_methods,
        }
        if outside.has_pkce:
            document["code_challenge_methods_supported"] = ["S256"]
        return _json(document)

    @app.get("/authorize")
    async def authorize() -> Any:
        # The person is the browser's `login_as` cookie: there is no page to click through.
        name = request.cookies.get("login_as", "kim")
        code = f"code-{name}-{secrets.token_hex(4)}"
        outside.sent_away[code] = dict(request.args)
        return redirect(f"{request.args['redirect_uri']}?{urlencode({'code': code, 'state': request.args['state']})}")

    @app.post("/token")
    async def token() -> Response:
        form = dict(await request.form)
        outside.token_requests.append(form)
        basic = request.authorization
        client = (form.get("client_id"), form.get("client_secret"))
        if basic is not None:
            client = (basic.get("username"), basic.get("password"))
        sent = outside.sent_away.pop(form.get("code", ""), {})
        name = form.get("code", "").split("-")[1] if form.get("code", "").startswith("code-") else ""
        if client != (CLIENT, SECRET) or name not in outside.people:
            return _json({"error": "invalid_grant", "error_description": "no such code"}, 400)
        if sent and form.get("redirect_uri") != sent["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        if "code_challenge" in sent and _challenge(form.get("code_verifier", "")) != sent["code_challenge"]:
            return _json({"error": "invalid_grant", "error_description": "PKCE"}, 400)
        answer = {"access_token": f"access-{name}", "token_type": "Bearer", "expires_in": 60}
        if outside.gives_id_token:
            answer["id_token"] = _id_token(outside, name, sent.get("nonce"))
        return _json(answer)

    @app.get("/jwks")
    async def keys() -> Response:
        return _json({"keys": [outside.key.as_dict(private=False)]})

    @app.get("/userinfo")
    async def userinfo() -> Response:
        name = request.headers.get("Authorization", "").removeprefix("Bearer access-")
        if name not in outside.people:
            return _json({"error": "invalid_token"}, 401)
        return _json({"sub": f"sub-{name}", **outside.people[name], **outside.userinfo})


def _add_others(app: QuartTrio, outside: ThirdParties) -> None:
    @app.post("/github/token")
    async def github_token() -> Response:
        form = dict(await request.form)
        outside.token_requests.append(form)
        name = form.get("code", "").removeprefix("code-")
        if name not in outside.people:
            return _json({"error": "bad_verification_code", "error_description": "The code is incorrect."})
        return _json({"access_token": f"access-{name}", "token_type": "bearer", "scope": "user:email"})

    @app.get("/github/user")
    async def github_user() -> Response:
        name = request.headers.get("Authorization", "").removeprefix("Bearer access-")
        return _json({"login": name, **outside.people[name]})

    @app.post("/lark/token")
    async def lark_token() -> Response:
        sent = await request.get_json()
        outside.token_requests.append(sent)
        name = sent["code"].removeprefix("code-")
        if name not in outside.people:
            return _json({"code": 20003, "error": "invalid_grant"}, 400)
        return _json({"code": 0, "access_token": f"access-{name}"})

    @app.get("/lark/user")
    async def lark_user() -> Response:
        name = request.headers.get("Authorization", "").removeprefix("Bearer access-")
        return _json({"open_id": f"ou-{name}", **outside.people[name]})

    @app.get("/api/wechat/user")
    async def wechat() -> Response:
        name = request.args["code"].removeprefix("code-")
        if request.headers.get("Authorization") != BRIDGE_TOKEN or name not in outside.people:
            return _json({"success": False, "message": "the bridge does not know this code", "data": ""})
        return _json({"success": True, "message": "", "data": f"wx-{name}"})

    @app.post("/turnstile")
    async def turnstile() -> Response:
        form = dict(await request.form)
        outside.turnstile.append(form)
        return _json({"success": form.get("response") == "a person"})

    @app.post("/push")
    async def push() -> Response:
        outside.pushes.append(await request.get_json())
        outside.happened()
        if outside.pusher_refuses:
            return _json({"success": False, "message": "wrong token"})
        return _json({"success": True, "message": "ok"})

    @app.post("/alerts")
    async def alerts() -> Response:
        outside.alerts.append(await request.get_json())
        outside.happened()
        return _json({"data": {}})


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _id_token(outside: ThirdParties, name: str, nonce: str | None) -> str:
    now = int(time.time())
    claims = {"iss": outside.url, "sub": f"sub-{name}", "aud": CLIENT, "iat": now, "exp": now + 60}
    if nonce is not None:
        claims["nonce"] = nonce
    claims |= outside.claims
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, outside.signs_with or outside.key)
