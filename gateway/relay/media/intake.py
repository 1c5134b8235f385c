"""Take a request's body in: JSON into memory, a form into a spool for as long as its relay runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.relay.body import RequestBody
from gateway.relay.endpoints import Kind
from gateway.relay.media.form import is_form, received_form
from gateway.server.body import read_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from fractions import Fraction

    from gateway.lifecycle_types import Receive
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.head import RequestHead
    from gateway.relay.media.duration import Uploads
    from gateway.relay.media.form import Form

_FORMS = (Kind.IMAGE_EDITS, Kind.TRANSCRIPTIONS, Kind.TRANSLATIONS)
_SOUNDS = (Kind.TRANSCRIPTIONS, Kind.TRANSLATIONS)


@asynccontextmanager
async def taken_in(
    endpoint: Endpoint, head: RequestHead, receive: Receive, *, limit: int, uploads: Uploads
) -> AsyncIterator[tuple[RequestBody, Form | None]]:
    """Read the body: its members, and the form that it was, if it was one. Raises `BodyError`, `RelayError`."""
    if endpoint.kind in _FORMS and is_form(head):
        async with received_form(head, receive, limit=limit, limiter=uploads.limiter) as form:
            yield RequestBody(form.as_json()), form
    else:
        yield RequestBody(await read_body(receive, head.headers.items(), limit=limit)), None


async def measured(endpoint: Endpoint, form: Form | None, uploads: Uploads) -> Fraction | None:
    """Return how long an upload plays, `None` where it does not matter. Raises `Invalid`."""
    return await uploads.seconds_of(form) if endpoint.kind in _SOUNDS else None
