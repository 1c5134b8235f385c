"""Turnstile: Cloudflare's word that a visitor is a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed

if TYPE_CHECKING:
    from gateway.identity.foreign import Endpoints
    from gateway.identity.web import Web
    from gateway.registry.options import Options

# A browser that passed is not asked again for so long.
REMEMBERED_S = 3600


async def check_person(web: Web, endpoints: Endpoints, options: Options, *, token: str, address: str) -> None:
    """Return if Cloudflare takes the token for a person's at this address. Raises `Refused`."""
    if not token:
        raise NotAllowed("Turnstile token is empty")
    answer = await web.json(
        "Turnstile",
        "POST",
        endpoints.turnstile,
        form={"secret": options.text("TurnstileSecretKey"), "response": token, "remoteip": address},
    )
    if answer.get("success") is not True:
        raise NotAllowed("Turnstile verification failed, please refresh and try again!")
