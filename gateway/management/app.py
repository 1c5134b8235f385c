"""The control plane as one Quart application."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, NoReturn, cast

from quart import Response, g, redirect, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from gateway.accounts.refusals import Refused
from gateway.accounts.sessions import SignIn
from gateway.accounts.totp import TotpCheck
from gateway.channels.probe import Prober
from gateway.identity.outside import Outside
from gateway.live.live import Live
from gateway.management import (
    answers,
    billing,
    budgets,
    channel_keys,
    channels,
    debug,
    documentation,
    edge,
    groups,
    guard,
    landing,
    logs,
    messages,
    metrics,
    models,
    oauth,
    options,
    pricing,
    redemptions,
    sessions,
    status,
    tokens,
    turnstile,
    two_factor,
    users,
    verification,
)
from gateway.management.contract import check_endpoints, endpoints_of
from gateway.management.cookie import CookieSessions
from gateway.management.extension import ControlPlane
from gateway.playground.play import Playground
from gateway.relay.errors import RelayError
from storage.errors import DatabaseUnavailable, Retryable, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry
    from quart import Quart
    from quart.wrappers import BaseRequestWebsocket

    from gateway.management.extension import Extension
    from gateway.playground.relays import InsideRelays
    from gateway.services import Services

# Options such as HomePageContent are the largest bodies.
MAX_BODY_BYTES = 8 << 20


class _App(QuartTrio):
    def raise_routing_exception(self, request: BaseRequestWebsocket) -> NoReturn:
        # Never a redirect to the path with a slash, never 405: one-api answers 404 to both, and scripts rely on it.
        raise NotFound


def create_management(
    services: Services,
    *,
    prober: Prober | None = None,
    outside: Outside | None = None,
    live: Live | None = None,
    relays: InsideRelays | None = None,
    numbers: CollectorRegistry | None = None,
    extensions: Iterable[Extension] = (),
) -> Quart:
    """Return the application. It starts nothing and reads nothing until a request comes.

    `prober` is the process's service that tests channels in the background; without one only single tests work.
    `outside` holds third parties and the courier, whose background mails need it to run as a service, too.
    `live` knows what runs in the other processes; without one only this process is seen.
    `relays` serves requests that pages make for their readers; without it the playground cannot send any.
    `numbers` is what `/metrics` shows; without it there is no such route.
    `extensions` add routes of their own, which declare their guards like all others.
    """
    app = _App("gateway.management", static_folder=None)
    app.config.update(PROVIDE_AUTOMATIC_OPTIONS=False, MAX_CONTENT_LENGTH=MAX_BODY_BYTES)
    app.session_interface = CookieSessions(
        services.settings.session_secret, always_insecure=services.settings.disable_cookie_secure
    )
    totp = TotpCheck(services.windows)
    sign_in = SignIn(services, totp)
    prober = prober or Prober(services)
    outside = outside or Outside.of(services)
    live = live or Live.of(services)
    for blueprint in (
        status.blueprint(services),
        sessions.blueprint(services, sign_in, totp),
        two_factor.blueprint(services, totp),
        users.blueprint(services),
        tokens.blueprint(services),
        channel_keys.blueprint(services, prober),
        channels.blueprint(services, prober),
        pricing.blueprint(services),
        debug.blueprint(services),
        options.blueprint(services),
        groups.blueprint(services),
        budgets.blueprint(services),
        logs.blueprint(services),
        messages.blueprint(services),
        redemptions.blueprint(services),
        billing.blueprint(services),
        models.blueprint(services),
        verification.blueprint(services, outside),
        oauth.blueprint(services, outside),
        documentation.blueprint(lambda: endpoints_of(app)),
    ):
        app.register_blueprint(blueprint)
    if numbers is not None:
        app.register_blueprint(metrics.blueprint(numbers))
    edge.install(app, services)
    turnstile.install(app, services, outside)
    _install_error_handlers(app, services)
    plane = ControlPlane(
        services=services,
        sign_in=sign_in,
        totp=totp,
        prober=prober,
        outside=outside,
        live=live,
        playground=Playground(services, relays),
    )
    for extend in extensions:
        extend(app, plane)
    guard.check_routes(app)
    check_endpoints(app, edge.is_api)
    return app


def _install_error_handlers(app: Quart, services: Services) -> None:
    @app.errorhandler(Refused)
    async def refused(error: Refused) -> Response:
        return answers.refusal(error)

    @app.errorhandler(RelayError)
    async def key_refused(error: RelayError) -> Response:
        return Response(error.as_json(g.request_id), status=error.status, content_type=answers.JSON_TYPE)

    @app.errorhandler(HTTPException)
    async def http(error: HTTPException) -> Response:
        if isinstance(error, RequestEntityTooLarge):
            return answers.failure("the request is too large", 413)
        if isinstance(error, NotFound):
            if edge.is_api(request.path) or request.path == "/api" or request.method not in ("GET", "HEAD"):
                return answers.no_such_route()
            if elsewhere := landing.frontend_elsewhere(services.settings):
                path = request.full_path if request.query_string else request.path
                return cast("Response", redirect(elsewhere + path, 301))
            return landing.page(services)
        return answers.failure("the request cannot be read", error.code or 400)

    @app.errorhandler(StorageError)
    async def storage(error: StorageError) -> Response:
        is_passing = isinstance(error, DatabaseUnavailable | Retryable)
        services.journal.event(
            "warning" if is_passing else "error",
            "management.database",
            f"{request.method} {request.path}: {error}",
            request_id=g.request_id,
        )
        if is_passing:
            return answers.failure("the database is not available at the moment, please try again", 503)
        return answers.failure("the database refused this request", 500)

    @app.errorhandler(Exception)
    async def crashed(error: Exception) -> Response:
        services.journal.event(
            "error",
            "management.crash",
            f"{request.method} {request.path}: {type(error).__name__}",
            request_id=g.request_id,
            traceback="".join(traceback.format_exception(error)),
        )
        return answers.failure("internal error", 500)
