"""A site, everybody outside, and a mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gateway.identity.foreign import Endpoints
from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase, fresh_database
from tests.support.mailbox import Mailbox, mailbox
from tests.support.third_parties import ThirdParties, third_parties


@pytest.fixture
async def others() -> AsyncIterator[ThirdParties]:
    """Everybody outside."""
    async with third_parties() as running:
        yield running


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """The mail server."""
    with mailbox() as running:
        yield running


@pytest.fixture
async def site(
    tmp_path: Path, templates: Callable[[str], FreshDatabase], others: ThirdParties, box: Mailbox
) -> AsyncIterator[Site]:
    """A site on SQLite that knows the mail server, and GitHub, Lark and Turnstile at our own address."""
    endpoints = Endpoints(
        github_authorize=f"{others.url}/github/authorize",
        github_token=f"{others.url}/github/token",
        github_user=f"{others.url}/github/user",
        lark_authorize=f"{others.url}/lark/authorize",
        lark_token=f"{others.url}/lark/token",
        lark_user=f"{others.url}/lark/user",
        turnstile=f"{others.url}/turnstile",
    )
    with fresh_database("sqlite", tmp_path, like=templates("sqlite")) as database:
        async with running_site(database, endpoints=endpoints) as running:
            await set_options(running, SMTPServer="127.0.0.1", SMTPPort=box.port, SMTPFrom="gate@example.com")
            yield running


async def set_options(site: Site, **options: object) -> None:
    """Set options as root."""
    for key, value in options.items():
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": str(value)})
