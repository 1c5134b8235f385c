"""What of a part has no room in another format, though the part itself has.

Files that a provider keeps are known to that provider alone: their ids mean nothing in another one's format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.formats.names import name_of_part
from adapters.formats.neutral.parts import Audio, File, Image, Text

if TYPE_CHECKING:
    from adapters.formats.neutral.encoding import Dropped
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format

_OPENAI = frozenset(["openai_chat", "openai_responses"])


def portable(part: Part, source: Format, target: Format) -> Part:
    """Return `part` as `target` may be told of it: without the id of a file that another provider keeps."""
    kept = isinstance(part, Image | File) and part.file_id
    if not kept or source == target or {source, target} == _OPENAI:
        return part
    return replace(part, file_id="")


def note_lost_of_history(part: Part, source: Format, target: Format, dropped: Dropped) -> None:
    """Name what `target` leaves out of a part of a request. Only Claude is told of the sources of earlier answers."""
    if isinstance(part, Text) and part.citations:
        dropped.add(f"{name_of_part(part, source)}.citations")
    note_lost(part, source, target, dropped)


def note_lost(part: Part, source: Format, target: Format, dropped: Dropped) -> None:
    """Name what `target` leaves out of a part that it writes."""
    match part:
        case File() if target != "anthropic":
            if part.context:
                dropped.add(f"{name_of_part(part, source)}.context")
            if part.citations:
                dropped.add(f"{name_of_part(part, source)}.citations")
        case Text(signature=signature) if signature and target != "gemini":
            dropped.add(f"{name_of_part(part, source)}.signature")
        case Audio(transcript=transcript) if transcript and target == "gemini":
            dropped.add(f"{name_of_part(part, source)}.transcript")
