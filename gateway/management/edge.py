"""What every request of the control plane passes: its id, limits, the guard, the cross-site rule, compression."""

from __future__ import annotations

import gzip
import math
import time
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import trio
from quart import Response, g, request, session

from gateway.accounts.refusals import NotAllowed
from gateway.management.guard import changes_state, enforce, guard_of
from gateway.relay.endpoints import PREFIXES as RELAYED
from gateway.relay.errors import Refused as KeyRefused
from gateway.request_id import new_request_id
from gateway.server.client_address import find_client

if TYPE_CHECKING:
    from quart import Quart

    from gateway.lifecycle_types import Scope
    from gateway.management.guard import Guard
    from gateway.services import Services

API_WINDOW_S = 180.0
WEB_WINDOW_S = 180.0
CRITICAL_WINDOW_S = 1200.0
# Rarely more than a few kB; the cheapest level already takes most of it.
_GZIP_LEVEL = 1
# What takes a millisecond to compress; more is left to a thread, so that relays go on meanwhile.
_LARGE_BYTES = 1 << 16
# Style sheets and scripts are kept by browsers and cost next to nothing: a page with its files counts once.
_FILES = "/static/"
_OPEN_PREFIXES = ("/v1/", "/dashboard/billing/")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET,POST,PUT,DELETE,OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "43200",
}


def is_open_to_browsers(path: str) -> bool:
    """Whether pages of other sites may call: where a key is sent by hand, never where a cookie would do."""
    return path.startswith(_OPEN_PREFIXES)


def is_api(path: str) -> bool:
    """Whether a path belongs to the API rather than to pages."""
    return path.startswith(("/api/", "/dashboard/", "/metrics", *RELAYED))


def install(app: Quart, services: Services) -> None:
    """Put the edge around `app`."""

    @app.before_request
    async def arrive() -> Response | None:
        g.began = time.perf_counter()
        g.request_id = new_request_id()
        g.client = find_client(cast("Scope", request.scope), services.settings.trusted_proxies)
        if request.method == "OPTIONS" and is_open_to_browsers(request.path):
            return Response(b"", status=204, headers=_PREFLIGHT)
        if not request.path.startswith(_FILES):
            await _limit(services, "api" if is_api(request.path) else "web")
        rule = request.url_rule
        guard = guard_of(app.view_functions[rule.endpoint]) if rule is not None else None
        if guard is None:
            return None
        if guard.critical:
            await _limit(services, "critical")
        refuse_foreign_pages(services, guard)
        await enforce(services, guard, address=g.client.address)
        return None

    @app.after_request
    async def leave(response: Response) -> Response:
        headers = response.headers
        headers["X-Oneapi-Request-Id"] = g.request_id
        headers["X-Content-Type-Options"] = "nosniff"
        if response.status_code == 429 and "wait_s" in g:
            headers.setdefault("Retry-After", str(g.wait_s))
        if is_open_to_browsers(request.path):
            headers["Access-Control-Allow-Origin"] = "*"
        if is_api(request.path):
            headers.setdefault("Cache-Control", "no-store")
            headers.add("Vary", "Accept-Encoding")
            if "gzip" in request.headers.get("Accept-Encoding", "").lower() and response.status_code != 204:
                await _compress(response)
        return response


async def _limit(services: Services, kind: str) -> None:
    settings = services.settings
    if settings.debug:
        return
    limit, window_s = {
        "api": (settings.global_api_rate_limit, API_WINDOW_S),
        "web": (settings.global_web_rate_limit, WEB_WINDOW_S),
        "critical": (settings.critical_rate_limit, CRITICAL_WINDOW_S),
    }[kind]
    if limit <= 0:
        return
    key = f"{kind}:{g.client.address}"
    if not await services.windows.hit(key, limit=limit, window_s=window_s):
        g.wait_s = max(math.ceil(await services.windows.wait_s(key, limit=limit, window_s=window_s)), 1)
        raise KeyRefused("rate limit exceeded", status=429)


def refuse_foreign_pages(services: Services, guard: Guard) -> None:
    """Refuse a change that a page of another site makes a browser ask for.

    Browsers say where a request comes from (https://www.w3.org/TR/fetch-metadata/, or Origin in older ones).
    Scripts say neither and pass. Keys are not sent by browsers on their own, and an access token is not either.
    """
    if guard.kind == "key" or not changes_state(guard):
        return
    if "id" not in session and request.headers.get("Authorization"):
        return
    site = request.headers.get("Sec-Fetch-Site", "").lower()
    if site in ("same-origin", "none"):
        return
    if site:
        raise NotAllowed("requests from other sites are refused", status=403)
    origin = request.headers.get("Origin")
    if origin is not None and not _is_our_origin(services, origin):
        raise NotAllowed("requests from other sites are refused", status=403)


def _is_our_origin(services: Services, origin: str) -> bool:
    host = urlsplit(origin).netloc.lower()
    ours = urlsplit(services.registry.current.options.server_address).netloc.lower()
    return bool(host) and host in (request.headers.get("Host", "").lower(), ours)


async def _compress(response: Response) -> None:
    if "Content-Encoding" in response.headers:
        return
    body = await response.get_data(as_text=False)
    if len(body) < _LARGE_BYTES:
        zipped = gzip.compress(body, _GZIP_LEVEL)
    else:
        zipped = await trio.to_thread.run_sync(gzip.compress, body, _GZIP_LEVEL)
    response.set_data(zipped)
    response.headers["Content-Encoding"] = "gzip"
