"""What a realtime session used: the sum of what its responses report, and about what an unfinished one delivered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from adapters.formats.media import added
from adapters.pricing.usage import Usage
from gateway.relay.meter import BYTES_PER_TOKEN, Meter

if TYPE_CHECKING:
    from gateway.counting.counter import Counter

# 24 kHz of 16 bits, at a token for every 50 ms of speech (https://platform.openai.com/docs/guides/realtime-costs).
BYTES_PER_AUDIO_TOKEN = 2400
_SOUND = ("response.audio.delta", "response.output_audio.delta")
_DONE = "response.done"


class _CachedDetails(msgspec.Struct):
    audio_tokens: int | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    cached_tokens_details: _CachedDetails | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: _Details | None = None
    output_token_details: _Details | None = None

    def normalised(self) -> Usage:
        """Return disjoint buckets. Cached sound and cached text cost the same."""
        given, made = max(self.input_tokens or 0, 0), max(self.output_tokens or 0, 0)
        before, after = self.input_token_details or _Details(), self.output_token_details or _Details()
        cached = min(max(before.cached_tokens or 0, 0), given)
        parts = before.cached_tokens_details or _CachedDetails()
        audio = max((before.audio_tokens or 0) - (parts.audio_tokens or 0), 0)
        audio = min(audio, given - cached)
        image = min(max(before.image_tokens or 0, 0), given - cached - audio)
        spoken = min(max(after.audio_tokens or 0, 0), made)
        return Usage(
            input=given - cached - audio - image,
            cached_read=cached,
            audio_input=audio,
            image_input=image,
            output=made - spoken,
            audio_output=spoken,
        )


class _Response(msgspec.Struct):
    usage: _Usage | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: str | None = None
    response: _Response | None = None


_events = msgspec.json.Decoder(_Event)


class SessionMeter(Meter):
    """Delivered messages and reported usage of one session."""

    __slots__ = ("_sound_bytes",)

    def __init__(self, counter: Counter, model: str, *, approximate: bool = False) -> None:
        super().__init__(counter, model, approximate=approximate)
        self._sound_bytes = 0

    def hear(self, message: str | bytes) -> bool:
        """Note one message of the provider; `True` when it reports usage."""
        if isinstance(message, bytes):
            return False
        try:
            event = _events.decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return False
        if event.type == _DONE:
            usage = event.response.usage if event.response is not None else None
            if usage is None:
                return False
            found = usage.normalised()
            self.reported = found if self.reported is None else added(self.reported, found)
            self._forget()
            return True
        if event.delta and event.type.startswith("response."):
            if event.type in _SOUND:
                self._sound_bytes += len(event.delta) * 3 // 4
            else:
                self._texts.append(event.delta)
                self._chars += len(event.delta)
        return False

    async def usage(self, prompt_tokens: int) -> Usage:
        """Return all that was reported, and what was delivered since: its provider will charge for it, too."""
        del prompt_tokens
        if self._texts:
            await self.fold()
        return self._with(self._counted)

    def about(self, prompt_tokens: int) -> Usage:
        """See `Meter`."""
        del prompt_tokens
        return self._with(self._counted + self._chars // BYTES_PER_TOKEN)

    def _with(self, unreported: int) -> Usage:
        """Return the reported usage with that many tokens of text and the sound that came since."""
        total = self.reported or Usage()
        return replace(
            total,
            output=total.output + unreported,
            audio_output=total.audio_output + self._sound_bytes // BYTES_PER_AUDIO_TOKEN,
        )

    def _forget(self) -> None:
        """The report covers what was delivered until now."""
        self._texts.clear()
        self._chars = self._counted = self._sound_bytes = 0
