"""How long an uploaded sound plays, which is what listening to it costs.

Read from its container in a thread; where that says nothing, by `ffprobe` if the machine has it. Uploads are
strangers' files, so that program is kept to containers of sound and to the one file it is given.
"""

from __future__ import annotations

import subprocess
import tempfile
from fractions import Fraction
from io import BufferedReader
from typing import TYPE_CHECKING

import trio

from adapters.audio.duration import audio_seconds
from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from gateway.relay.media.form import Form
    from gateway.relay.media.spool import Window

FILE_THREADS = 8
PROBE_S = 20.0
_CONTAINERS = "aac,ac3,aiff,amr,asf,flac,matroska,mov,mp3,mpeg,mpegts,ogg,wav,w64"
_COPY_BYTES = 1 << 20


class Uploads:
    """What uploads need of the machine: threads for their files, and perhaps a program that knows more containers."""

    def __init__(self, *, ffprobe: str | None = None) -> None:
        """`ffprobe`: the program's path, `None` where there is none."""
        self.limiter = trio.CapacityLimiter(FILE_THREADS)
        self._ffprobe = ffprobe

    async def seconds_of(self, form: Form | None) -> Fraction:
        """Return how long the form's `file` plays. Raises `Invalid` when there is none, or it is no sound."""
        window = form.file("file") if form is not None else None
        if window is None:
            raise Invalid("file is required: the request must be a form with an audio file", code="invalid_audio")
        try:
            found = await trio.to_thread.run_sync(_read, window, limiter=self.limiter)
            if found is None and self._ffprobe is not None:
                found = await self._probe(window, self._ffprobe)
        except OSError:
            found = None
        if found is None:
            raise Invalid("the audio file cannot be read: its format or length is not known", code="invalid_audio")
        return found

    async def _probe(self, window: Window, ffprobe: str) -> Fraction | None:
        with tempfile.NamedTemporaryFile() as file:
            await trio.to_thread.run_sync(_copy, window, file.name, limiter=self.limiter)
            command = [
                ffprobe, "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", _CONTAINERS,
                "-show_entries", "format=duration", "-of", "default=noprint_wrappers=1:nokey=1", file.name,
            ]  # fmt: skip
            with trio.move_on_after(PROBE_S):
                done = await trio.run_process(command, capture_stdout=True, stderr=subprocess.DEVNULL, check=False)
                return _number(done.stdout)
        return None


def _read(window: Window) -> Fraction | None:
    source = BufferedReader(window)
    try:
        return audio_seconds(source, source.seek(0, 2))
    finally:
        # The window outlives its buffer: a program may have to read it, too.
        source.detach()


def _copy(window: Window, path: str) -> None:
    window.seek(0)
    with open(path, "wb") as target:  # noqa: PTH123 - in a thread, like all of this
        while data := window.read(_COPY_BYTES):
            target.write(data)


def _number(text: bytes) -> Fraction | None:
    try:
        seconds = Fraction(text.decode().strip())
    except (ValueError, UnicodeDecodeError, ZeroDivisionError):
        return None
    return seconds if seconds > 0 else None
