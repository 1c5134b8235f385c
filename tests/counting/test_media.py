"""Sizes and lengths are read from the first bytes of what a client sends."""

import base64
import io
import struct
import wave

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.counting.media import audio_tokens, image_size, image_tokens


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x02" + bytes(50)


def jpeg(width: int, height: int, *, preview: int = 0) -> bytes:
    segments = b"".join(
        b"\xff\xe1" + struct.pack(">H", min(65535, preview - at + 2)) + bytes(min(65533, preview - at))
        for at in range(0, preview, 65533)
    )
    return b"\xff\xd8" + segments + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width) + bytes(40)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + kind + struct.pack("<I", len(body)) + body + bytes(20)


@pytest.mark.parametrize(
    "content",
    [
        png(700, 600),
        jpeg(700, 600),
        jpeg(700, 600, preview=200_000),
        b"GIF89a" + struct.pack("<HH", 700, 600) + bytes(20),
        webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 700, 600)),
        webp(b"VP8L", b"\x2f" + (699 | 599 << 14).to_bytes(4, "little")),
        webp(b"VP8X", bytes(4) + (699).to_bytes(3, "little") + (599).to_bytes(3, "little")),
    ],
    ids=["png", "jpeg", "jpeg with a preview", "gif", "webp", "lossless webp", "extended webp"],
)
def test_sizes_are_read_from_headers(content: bytes) -> None:
    assert image_size(data_url(content)) == (700, 600)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.png",
        "data:",
        "data:,x",
        "data:image/png;base64,",
        "data:image/png;base64,!!!!",
        "data:image/png;base64,iVBORw0K",
        "data:image/png,raw",
        data_url(png(0, 5)),
        data_url(b"\xff\xd8\xff"),
        data_url(b"\xff\xd8\xff\xe1\x00\x00" * 10),
        data_url(b"RIFF1234WEBPVP8?" + bytes(30)),
    ],
)
def test_what_has_no_size_counts_as_a_usual_picture(url: str) -> None:
    assert image_size(url) is None
    assert image_tokens("gpt-4o", url) == 765


@settings(deadline=None)  # two cores, shared
@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"RIFF0000WEBPVP8X", b"RIFF0000WAVEfmt "]))
def test_no_bytes_are_a_surprise(content: bytes, start: bytes) -> None:
    assert image_tokens("gpt-4o", data_url(start + content)) >= 85
    assert audio_tokens(base64.b64encode(start + content).decode()) >= 0


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("gpt-4o", 1024, 1024, 765),
        ("gpt-4o", 700, 600, 765),
        ("gpt-4o", 512, 512, 255),
        ("gpt-4o", 513, 512, 425),
        ("gpt-4o", 4096, 8192, 1105),
        ("gpt-4o", 4096, 64, 85 + 4 * 170),
        ("gpt-4o-mini", 512, 512, 8500),
        ("gpt-5", 512, 512, 210),
        ("gpt-5-mini", 512, 512, 210),
        ("o1", 512, 512, 225),
        ("o3", 512, 512, 225),
        ("computer-use-preview", 512, 512, 194),
        ("claude-3-opus", 1000, 750, 1000),
        ("claude-3-opus", 3136, 1000, 1045),
    ],
)
def test_image_tokens_by_model(model: str, width: int, height: int, tokens: int) -> None:
    assert image_tokens(model, data_url(png(width, height))) == tokens


def test_low_detail_costs_the_base_only() -> None:
    assert image_tokens("gpt-4o", data_url(png(2000, 2000)), "low") == 85


def wav(seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(int(seconds * 32_000)))
    return out.getvalue()


@pytest.mark.parametrize(("seconds", "tokens"), [(1, 10), (2.5, 25), (0.01, 1), (12.34, 124)])
def test_wav_counts_by_its_length(seconds: float, tokens: int) -> None:
    assert audio_tokens(base64.b64encode(wav(seconds)).decode()) == tokens


def test_a_wav_of_unknown_length_counts_by_what_is_there() -> None:
    streamed = wav(2)[:40] + b"\xff\xff\xff\xff" + wav(2)[44:]
    assert audio_tokens(base64.b64encode(streamed).decode()) == 20


def test_other_sound_counts_by_a_usual_bit_rate() -> None:
    assert audio_tokens(base64.b64encode(b"ID3" + bytes(31_997)).decode()) == 20
