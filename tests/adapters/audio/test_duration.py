"""How long a file plays is read from its container, whatever the container leaves out."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.audio.duration import audio_seconds
from tests.support import sounds


def seconds(data: bytes) -> Fraction | None:
    return audio_seconds(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (sounds.wav(12.0), Fraction(12)),
        (sounds.wav(7.4), Fraction(37, 5)),
        (sounds.flac(2.5), Fraction(5, 2)),
        (sounds.m4a(3.25), Fraction(13, 4)),
        (sounds.webm(3.0, tells=True), Fraction(3)),
        (sounds.webm(2.5, tells=False), Fraction(5, 2)),
        (sounds.ogg_opus(4.0), Fraction(4)),
    ],
    ids=["wav", "wav-part", "flac", "m4a", "webm", "webm-recorded", "ogg"],
)
def test_containers_tell_their_length_exactly(data: bytes, expected: Fraction) -> None:
    assert seconds(data) == expected


def test_mp3_is_as_long_as_its_frames() -> None:
    assert float(seconds(sounds.mp3(500)) or 0) == pytest.approx(500 * 1152 / 44100, rel=0.01)


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF, 10**9])
def test_wav_whose_head_does_not_know_its_length_is_as_long_as_its_bytes(told: int) -> None:
    assert seconds(sounds.wav(5.0, told=told)) == 5


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF", b"\x1a\x45\xdf\xa3", bytes(5000), b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_sound_has_no_length(data: bytes) -> None:
    assert seconds(data) is None


GOOD = [sounds.wav(0.05), sounds.flac(1), sounds.m4a(1), sounds.webm(0.1, tells=False), sounds.ogg_opus(1), sounds.mp3(3),
        b"ID3\x04\x00\x00\x00\x00\x00\x10" + bytes(30), b"FORM\x00\x00\x00\x20AIFFCOMM" + bytes(40),
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + bytes(60)]  # fmt: skip


@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
    st.integers(0, 600),
)
@settings(max_examples=400, deadline=None)
def test_damaged_files_are_never_an_error(data: bytes, damage: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data)
    for place, value in damage:
        changed[place % len(changed)] = value
    found = seconds(bytes(changed[: max(len(changed) - cut, 0)]))
    assert found is None or found > 0
