"""Pictures in a provider's own form: uploads on their way there, results on their way back.

Reading, decoding and encoding pictures belongs in threads. Providers keep results for a day or so behind an address;
clients that want bytes get what is fetched from there, through the same guard as addresses that users name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.formats.errors import FormatError
from adapters.formats.pictures.painter import decode_request, encode_response, wanted_urls
from adapters.formats.pictures.raster import NoPicture, as_png
from adapters.formats.piece import Piece
from adapters.pricing.usage import Usage
from gateway.relay.convert import read_whole
from gateway.relay.errors import Invalid, RelayError, UpstreamFailed
from gateway.relay.exchange import Passed, Unfetched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.formats.neutral.events import Failure
    from adapters.formats.pictures.painter import Painter, PictureRequest
    from adapters.sse import Event
    from gateway.relay.images import ImageFetcher
    from gateway.relay.media.form import Form
    from gateway.relay.state import Relay

MAX_UPLOAD_BYTES = 50 << 20
"""What OpenAI takes for one picture; larger ones are held in no memory of ours."""
MAX_UPLOADS = 16


async def picture_request(relay: Relay, painter: Painter, limiter: trio.CapacityLimiter) -> PictureRequest:
    """Return the client's request, its uploads read and made ready for the provider. Raises `Invalid`."""
    try:
        images: list[bytes] = []
        mask: bytes | None = None
        if relay.form is not None:
            images, mask = await trio.to_thread.run_sync(_uploads, relay.form, limiter=limiter)
        request = decode_request(relay.body.edited(dict(relay.filled)), images=images, mask=mask)
        if painter.ready is not None and (images or mask is not None):
            request = await trio.to_thread.run_sync(painter.ready, request, limiter=limiter)
    except FormatError as error:
        raise Invalid(str(error), code=relay.endpoint.invalid_code) from None
    except OSError:
        raise RelayError("the upload cannot be read back", status=503, code="upload_storage") from None
    return request


def _uploads(form: Form) -> tuple[list[bytes], bytes | None]:
    windows = [*form.files("image"), *form.files("image[]")]
    if not windows:
        raise FormatError("is required: the request must be a form with a picture", path="image")
    masks = form.files("mask")
    if len(windows) > MAX_UPLOADS or any(window.size > MAX_UPLOAD_BYTES for window in (*windows, *masks)):
        raise FormatError("too many, or too large", path="image")
    return [window.readall() for window in windows], masks[0].readall() if masks else None


class ConvertedPictures:
    """Pictures of a provider with a form of its own, for a client of OpenAI's."""

    dropped: tuple[str, ...] = ()
    """Nothing is lost on the way back."""
    trails = False
    trailer = b""

    def __init__(self, painter: Painter, request: PictureRequest, *, now_s: int) -> None:
        self._painter = painter
        self._request = request
        self._now_s = now_s

    def failed(self, failure: Failure) -> bytes | None:
        """See `Exchange`."""
        del failure  # it cannot happen in a stream
        return None

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        response = read_whole(self._painter.decode, body)

        def write(fetched: Mapping[str, bytes]) -> bytes:
            return encode_response(response, fetched, now_s=self._now_s)

        unfetched = Unfetched(wanted_urls(response, self._request), write, as_png=self._painter.makes_png)
        made = len(response.pictures)
        # Some may have been unfit to be shown; they are not paid for.
        usage = Usage(pictures=made) if made < self._request.n else None
        return Passed(piece=Piece(usage=usage, has_content=True, finishes=True), done=True, unfetched=unfetched)

    def event(self, event: Event) -> Passed:
        """See `Exchange`. There are no streams of such pictures."""
        return self.end()

    def end(self) -> Passed:
        """See `Exchange`."""
        return Passed(failure=UpstreamFailed("the provider answered with a stream of events"))


async def fetched(unfetched: Unfetched, images: ImageFetcher, limiter: trio.CapacityLimiter) -> bytes:
    """Return the client's answer with all pictures in it that can be had; each has the fetcher's deadline."""
    found: dict[str, bytes] = {}

    async def fetch(url: str) -> None:
        picture = await images.picture(url)
        if picture is not None:
            found[url] = picture

    async with trio.open_nursery() as nursery:
        for url in unfetched.urls:
            nursery.start_soon(fetch, url)
    return await trio.to_thread.run_sync(_write, unfetched, found, limiter=limiter)


def _write(unfetched: Unfetched, found: dict[str, bytes]) -> bytes:
    return unfetched.write({url: _png(picture) if unfetched.as_png else picture for url, picture in found.items()})


def _png(picture: bytes) -> bytes:
    try:
        return as_png(picture)
    except NoPicture:
        # Whatever it is, the client has paid for it.
        return picture
