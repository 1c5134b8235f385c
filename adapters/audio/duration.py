"""The length of an audio file, in seconds, by whatever its container says.

WAV and WebM are read here, since recorders write them without a length, which readers of tags then take
literally; MP3, MP4, FLAC, Ogg, AIFF and WMA are tinytag's. Nothing is decoded. Synchronous: files are long, so
call it in a thread.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tinytag import TinyTag, TinyTagException

from adapters.audio.matroska import matroska_seconds
from adapters.audio.wav import wav_seconds

if TYPE_CHECKING:
    from typing import BinaryIO

HEAD_BYTES = 16
_EBML = b"\x1a\x45\xdf\xa3"
_RIFF = (b"RIFF", b"WAVE")
_MICROSECONDS = 1_000_000


def audio_seconds(source: BinaryIO, size: int) -> Fraction | None:
    """Return how long `source` (seekable, `size` bytes) plays, or `None` if it is no audio that can be read.

    Never raises for what the file holds; `OSError` from `source` goes through.
    """
    source.seek(0)
    head = source.read(HEAD_BYTES)
    if (head[:4], head[8:12]) == _RIFF:
        found = wav_seconds(source, size)
    elif head.startswith(_EBML):
        found = matroska_seconds(source, size)
    else:
        found = _tagged_seconds(source)
    return found if found is not None and found > 0 else None


def _tagged_seconds(source: BinaryIO) -> Fraction | None:
    source.seek(0)
    try:
        seconds = TinyTag.get(file_obj=source, tags=False, duration=True).duration
    except (TinyTagException, ValueError, ArithmeticError, LookupError):
        # Its own error is for formats and heads; the others come from damaged insides.
        return None
    if seconds is None or not 0 < seconds < float("inf"):
        return None
    # Finer than any clock of a container: binary noise must not cost a unit.
    return Fraction(round(seconds * _MICROSECONDS), _MICROSECONDS)
