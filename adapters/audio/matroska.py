"""The length of a WebM or Matroska file.

Its head says it if the writer knew; a browser that records does not, and then the last cluster of the file tells
how far it got. Only heads of elements are read (RFC 8794, RFC 9559).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_INFO = 0x1549A966
_TIMESTAMP_SCALE = 0x2AD7B1
_DURATION = 0x4489
_CLUSTER = 0x1F43B675
_TIMESTAMP = 0xE7
_SIMPLE_BLOCK = 0xA3
_BLOCK_GROUP = 0xA0
_BLOCK = 0xA1

# Elements whose inside is looked at; all others are jumped over.
_ENTERED = frozenset({_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP})
_NANOSECONDS = 1_000_000_000
_DEFAULT_SCALE_NS = 1_000_000
# An hour of recording has some 200,000 blocks; beyond this a file is built to keep us busy.
_MOST_ELEMENTS = 2_000_000


@dataclass(slots=True)
class _Found:
    scale_ns: int = _DEFAULT_SCALE_NS
    duration: Fraction | None = None
    cluster_at: int = 0
    last: int = 0
    """Time stamp of the last block, in units of the scale."""


def matroska_seconds(source: BinaryIO, size: int) -> Fraction | None:
    """Return how long the file plays, or `None` if it holds nothing that says so."""
    found = _Found()
    at = 0
    for _ in range(_MOST_ELEMENTS):
        if at >= size:
            break
        source.seek(at)
        head = source.read(16)
        kind, width = _element_id(head)
        length, length_width = _element_length(head[width:])
        if not width or not length_width:
            break
        at += width + length_width
        if kind in _ENTERED:
            continue
        _note(kind, source, at, 0 if length is None else length, found)
        if found.duration is not None:
            break
        if length is None:
            break
        at += length
    units = found.duration if found.duration is not None else Fraction(found.last)
    return units * found.scale_ns / _NANOSECONDS if units > 0 else None


def _note(kind: int, source: BinaryIO, at: int, length: int, found: _Found) -> None:
    if kind not in (_TIMESTAMP_SCALE, _DURATION, _TIMESTAMP, _SIMPLE_BLOCK, _BLOCK):
        return
    source.seek(at)
    data = source.read(min(length, 12))
    if kind == _TIMESTAMP_SCALE:
        found.scale_ns = int.from_bytes(data[:8], "big") or _DEFAULT_SCALE_NS
    elif kind == _DURATION:
        value = struct.unpack(">f" if len(data) == 4 else ">d", data)[0] if len(data) in (4, 8) else 0.0
        if 0 < value < float("inf"):
            found.duration = Fraction(value)
    elif kind == _TIMESTAMP:
        found.cluster_at = int.from_bytes(data[:8], "big")
    else:
        # A block: the track's number, then two signed bytes after the cluster's time stamp.
        _, width = _element_length(data)
        if width and len(data) >= width + 2:
            found.last = max(found.last, found.cluster_at + struct.unpack_from(">h", data, width)[0])


def _element_id(head: bytes) -> tuple[int, int]:
    """Return an element's id and its width; a width of 0 when there is none."""
    width = _width(head)
    if not width or width > 4:
        return 0, 0
    return int.from_bytes(head[:width], "big"), width


def _element_length(head: bytes) -> tuple[int | None, int]:
    """Return the length (`None`: left open) and the width of the number; a width of 0 when there is none."""
    width = _width(head)
    if not width:
        return 0, 0
    value = int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def _width(head: bytes) -> int:
    if not head or not head[0]:
        return 0
    width = 9 - head[0].bit_length()
    return width if width <= len(head) else 0
