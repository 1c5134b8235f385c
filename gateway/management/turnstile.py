"""Turnstile in front of what makes accounts and sends mails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import g, request, session

from gateway.identity.turnstile import REMEMBERED_S, check_person
from gateway.management.queries import TurnstileProof

if TYPE_CHECKING:
    from quart import Quart

    from gateway.identity.outside import Outside
    from gateway.services import Services

_ROUTES = frozenset((("POST", "/api/user/register"), ("GET", "/api/verification"), ("GET", "/api/reset_password")))
_KEY = "turnstile"


def install(app: Quart, services: Services, outside: Outside) -> None:
    """Ask visitors of those routes for a proof while root has that switched on. After the edge: limits come first."""

    @app.before_request
    async def ask_for_proof() -> None:
        if (request.method, request.path) not in _ROUTES:
            return
        options = services.registry.current.options
        if not options.flag("TurnstileCheckEnabled"):
            return
        passed_at = session.get(_KEY)
        if isinstance(passed_at, int) and 0 <= time.time() - passed_at < REMEMBERED_S:
            return
        await check_person(
            outside.web, outside.endpoints, options, token=TurnstileProof.sent().turnstile, address=g.client.address
        )
        session[_KEY] = int(time.time())
