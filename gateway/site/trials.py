"""Trying what the settings name before anybody depends on it: mail, messages to root, an OpenID Connect provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import InvalidParameter, Refused
from gateway.identity.addresses import is_address
from gateway.identity.foreign import text_of
from gateway.mail.letters import notice_letter
from gateway.mail.smtp import MailFailed
from gateway.notify.root import push_message

if TYPE_CHECKING:
    from gateway.identity.outside import Outside
    from gateway.services import Services

ENDPOINTS = {
    "OidcAuthorizationEndpoint": "authorization_endpoint",
    "OidcTokenEndpoint": "token_endpoint",
    "OidcUserinfoEndpoint": "userinfo_endpoint",
}
"""Options, and their names in a discovery document."""


async def send_test_mail(services: Services, outside: Outside, to: str) -> None:
    """Send a mail over the server that is set. Raises `Refused` with what went wrong."""
    if not is_address(to):
        raise InvalidParameter
    site = services.registry.current.options.text("SystemName")
    letter = notice_letter(
        subject=f"{site}: test", text=f"This is a test of the mail server that {site} is set up with.\nIt works."
    )
    try:
        await outside.courier.send(to, letter)
    except MailFailed as error:
        raise Refused(str(error)) from error


async def send_test_message(services: Services, outside: Outside) -> None:
    """Send a message over Message Pusher. Raises `Refused` with what went wrong."""
    options = services.registry.current.options
    if not options.text("MessagePusherAddress").strip():
        raise Refused("no address of Message Pusher is set")
    await push_message(outside.web, options, f"{options.text('SystemName')}: test", "It works.")


async def discover(outside: Outside, address: str) -> dict[str, str]:
    """Return the endpoints of a discovery document by option. Raises `Refused`."""
    if not address.strip().startswith(("https://", "http://")):
        raise Refused("OidcWellKnown must begin with https:// or http://")
    found = await outside.web.json("the OpenID Connect provider", "GET", address.strip())
    endpoints = {option: text_of(found, name) for option, name in ENDPOINTS.items()}
    if not endpoints["OidcAuthorizationEndpoint"] or not endpoints["OidcTokenEndpoint"]:
        raise Refused("this is no discovery document: it names no endpoints")
    return endpoints
