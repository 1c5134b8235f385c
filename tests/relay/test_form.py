"""Forms are read in any pieces, kept out of memory, and sent on byte for byte but for what was changed."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.errors import Invalid
from gateway.relay.head import RequestHead
from gateway.relay.media.form import Form, received_form
from gateway.relay.media.multipart import MultipartError, MultipartScanner, boundary_of
from gateway.relay.media.spool import IN_MEMORY_BYTES
from gateway.server.body import BodyTooLarge
from tests.support.forms import BOUNDARY, CONTENT_TYPE, form

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gateway.relay.media.form import Segments

Parts = list[tuple[str, str | None, bytes]]


def scanned(body: bytes, *, step: int = 1 << 20) -> Parts:
    scanner = MultipartScanner(BOUNDARY.encode())
    for start in range(0, len(body), step):
        scanner.feed(body[start : start + step])
    return [(part.name, part.filename, body[part.content_at : part.ends_at]) for part in scanner.finish()]


def received(
    body: bytes, *, limit: int = 1 << 30, piece: int = 65536, **headers: str
) -> AbstractAsyncContextManager[Form]:
    head = RequestHead(
        method="POST", path="/", raw_path="/", query=b"", address="",
        headers={b"content-type": CONTENT_TYPE.encode()} | {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()},
    )  # fmt: skip
    pieces = [body[start : start + piece] for start in range(0, len(body), piece)] or [b""]

    async def receive() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    return received_form(head, receive, limit=limit, limiter=trio.CapacityLimiter(2))


async def whole(segments: Segments, most: int = 100_000) -> bytes:
    out = b""
    while len(out) < segments.size:
        piece = await segments.read_at(len(out), most)
        assert 0 < len(piece) <= most
        out += piece
    return out


contents = st.binary(max_size=60) | st.sampled_from(
    [b"\r\n", b"\r\n--", f"--{BOUNDARY}".encode()[:-1], b"\r\n\r\n", b"--"]
)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b[]", "file"]), contents), min_size=1, max_size=5), st.integers(1, 50)
)
def test_parts_are_found_however_the_bytes_are_cut(parts: list[tuple[str, bytes]], step: int) -> None:
    body = form(*((name, data, f"{name}.bin") for name, data in parts))
    assert scanned(body, step=step) == [(name, f"{name}.bin", data) for name, data in parts]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a form",
        form(("a", "b"))[:-6],
        form(("a", "b")).replace(b"form-data", b"attachment"),
        form(("a", "b")).replace(b'name="a"', b""),
        form(("a", "b")).replace(b"Content-Disposition: form-data", b"X-Nothing: here"),
        f"--{BOUNDARY}x\r\n".encode() + form(("a", "b")),
        f"--{BOUNDARY}\r\n".encode() + b"X: " + b"y" * 20_000,
        form(*(("a[]", "b"),) * 600),
    ],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(MultipartError):
        scanned(body)


@given(st.binary(max_size=200), st.integers(1, 40))
def test_noise_is_refused_or_read_and_never_another_error(noise: bytes, step: int) -> None:
    with suppress(MultipartError):
        scanned(f"--{BOUNDARY}\r\n".encode() + noise, step=step)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=\"a\u00e9\"",
                                  "multipart/mixed; boundary=a", "multipart/form-data; boundary=" + "x" * 71])  # fmt: skip
def test_a_content_type_without_a_boundary_is_refused(kind: str) -> None:
    with pytest.raises(MultipartError):
        boundary_of(kind)


async def test_an_unchanged_form_goes_on_byte_for_byte() -> None:
    body = form(("model", "m"), ("file", b"\0\r\n" * 9, "a.wav"), ("prompt", "é"))
    async with received(body) as got:
        assert await whole(got.edited({})) == body
        assert got.fields == {"model": "m", "prompt": "é"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model": "other"}, [("model", None, b"other"), ("file", "a.wav", b"data"), ("size", None, b"1x1")]),
        ({"size": None}, [("model", None, b"m"), ("file", "a.wav", b"data")]),
        ({"model": None, "size": "2"}, [("file", "a.wav", b"data"), ("size", None, b"2")]),
        ({"n": 3}, [("n", None, b"3"), ("model", None, b"m"), ("file", "a.wav", b"data"), ("size", None, b"1x1")]),
        ({"gone": None}, [("model", None, b"m"), ("file", "a.wav", b"data"), ("size", None, b"1x1")]),
    ],
)
async def test_fields_are_changed_added_and_taken_out(changes: dict[str, object], expected: Parts) -> None:
    async with received(form(("model", "m"), ("file", b"data", "a.wav"), ("size", "1x1"))) as got:
        for most in (1, 7, 1000):
            assert scanned(await whole(got.edited(changes), most)) == expected


async def test_a_large_upload_is_not_held_in_memory() -> None:
    data = bytes(range(256)) * (20 * IN_MEMORY_BYTES // 256)
    async with received(form(("model", "m"), ("file", data, "a.bin"))) as got:
        spool = got._spool
        assert len(spool._memory) < 2 * IN_MEMORY_BYTES
        window = got.file("file")
        assert window is not None
        assert hashlib.sha256(window.read()).digest() == hashlib.sha256(data).digest()
        sent = scanned(await whole(got.edited({"model": "x"}), 1 << 20))
        assert sent == [("model", None, b"x"), ("file", "a.bin", data)]
        file = spool._file
        assert file is not None
    assert file.closed


async def test_a_field_named_twice_is_refused_for_servers_differ_in_which_counts() -> None:
    with pytest.raises(Invalid, match="more than once"):
        async with received(form(("model", "cheap"), ("model", "dear"))):
            pass
    with pytest.raises(Invalid, match="more than once"):
        async with received(form(("model", "cheap"), ("model", "dear", "model.txt"))):
            pass
    async with received(form(("model", "m"), ("include[]", "a"), ("include[]", "b"))) as got:
        assert got.fields == {"model": "m"}


async def test_limits_hold_for_what_is_told_and_for_what_comes() -> None:
    body = form(("file", bytes(5000), "a"))
    with pytest.raises(BodyTooLarge):
        async with received(body, limit=1000, content_length=str(len(body))):
            pass
    with pytest.raises(BodyTooLarge):
        async with received(body, limit=1000, piece=100):
            pass
    with pytest.raises(Invalid, match="too long"):
        async with received(form(("prompt", "x" * (1 << 20) + "x"))):
            pass
