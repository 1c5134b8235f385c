"""Reading responses, without sockets: any cutting of the bytes gives the same."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.decode import STEP_BYTES, Decoder, split_encoding
from adapters.transport.message import MAX_BARREN_BYTES, ResponseReader
from adapters.transport.types import ResponseBroken

BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def read_in_cuts(data: bytes, cuts: list[int]) -> tuple[ResponseReader, bytes]:
    reader = ResponseReader("POST")
    body = b""
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        if start < end:
            reader.feed(data[start:end])
            body += reader.take()
    return reader, body


@given(BODIES, st.sampled_from(["length", "chunks", "close"]), st.data())
def test_any_cutting_of_a_response_gives_the_same_body(parts: list[bytes], framing: str, draw: st.DataObject) -> None:
    body = b"".join(parts)
    wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n"
    if framing == "length":
        wire += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    elif framing == "chunks":
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        wire += b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        wire += b"\r\n" + body
    cuts = draw.draw(st.lists(st.integers(0, len(wire)), max_size=10))
    for cutting in (cuts, list(range(len(wire)))):
        reader, got = read_in_cuts(wire, cutting)
        assert reader.failure is None
        assert (reader.status, got) == (200, body)
        assert (b"x-a", b"1") in reader.headers
        assert reader.is_complete == (framing != "close")
        assert reader.is_reusable == (framing != "close")
        if framing == "close":
            reader.feed(b"")
            assert reader.is_complete


@given(BODIES.filter(bool), st.booleans(), st.data())
def test_no_cut_off_body_passes_for_a_whole_one(parts: list[bytes], is_chunked: bool, draw: st.DataObject) -> None:
    body = b"".join(parts)
    head = b"HTTP/1.1 200 OK\r\n"
    if is_chunked:
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        wire = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    else:
        wire = head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    end = draw.draw(st.integers(0, len(wire) - 1))
    reader, got = read_in_cuts(wire[:end], [])
    reader.feed(b"")
    assert reader.failure is not None
    assert not reader.is_complete
    assert body.startswith(got)


def unpack(packed: bytes, step: int) -> bytes:
    decoder = Decoder()
    parts = []
    for start in range(0, len(packed), step):
        decoder.feed(packed[start : start + step])
        while part := decoder.step():
            assert len(part) <= STEP_BYTES
            parts.append(part)
    decoder.finish()
    return b"".join(parts)


@given(st.binary(max_size=500), st.integers(1, 20))
def test_every_kind_of_compression_is_undone_however_it_is_cut(data: bytes, step: int) -> None:
    raw = zlib.compressobj(wbits=-15)
    for packed in (gzip.compress(data), zlib.compress(data), gzip.compress(data[:9]) + gzip.compress(data[9:])):
        assert unpack(packed, step) == data
    assert unpack(raw.compress(data) + raw.flush(), step) == data


def test_a_bomb_goes_off_one_step_at_a_time() -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    decoder = Decoder()
    decoder.feed(packed)
    assert len(decoder.step()) == STEP_BYTES


@pytest.mark.parametrize("packed", [gzip.compress(b"hello" * 100, mtime=0)[:-9], b"not compressed at all"])
def test_a_damaged_or_short_compressed_body_is_broken(packed: bytes) -> None:
    with pytest.raises(ResponseBroken):
        unpack(packed, 1000)


def test_only_encodings_that_are_undone_are_dropped_from_the_headers() -> None:
    kept, decoder = split_encoding(((b"content-encoding", b"GZIP"), (b"content-length", b"9"), (b"x", b"y")))
    assert kept == ((b"x", b"y"),)
    assert decoder is not None
    brotli = ((b"content-encoding", b"br"), (b"content-length", b"9"))
    assert split_encoding(brotli) == (brotli, None)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Filler: 123456789\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 100),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n", b"X-Trailer: 123456\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"extension" * 10),
    ],
)
def test_what_is_not_body_has_a_bound(start: bytes, more: bytes) -> None:
    reader = ResponseReader("GET")
    reader.feed(start + more)
    reader.take()
    fed = 0
    while reader.failure is None and fed < 10 * MAX_BARREN_BYTES:
        reader.feed(more)
        fed += len(more)
    assert reader.failure is not None
    assert "too large" in str(reader.failure)
    assert fed <= MAX_BARREN_BYTES + len(more)
