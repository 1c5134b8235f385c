"""Small audio files of known length, made byte by byte: heads that are true, and samples that are nothing."""

from __future__ import annotations

import struct


def wav(seconds: float, *, rate: int = 8000, told: int | None = None) -> bytes:
    """Mono, 8 bits. `told`: the length that the head claims for the samples."""
    samples = b"\x80" * int(rate * seconds)
    fmt = struct.pack("<HHIIHH", 1, 1, rate, rate, 1, 8)
    size = len(samples) if told is None else told
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def mp3(frames: int) -> bytes:
    """MPEG 1 layer III, 128 kbit/s at 44,100 Hz: 417 bytes and 1,152 samples a frame."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def flac(seconds: float, *, rate: int = 16000) -> bytes:
    """A head that tells how many samples there are."""
    samples = int(seconds * rate)
    packed = (rate << 44) | (0 << 41) | (15 << 36) | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + bytes(64)


def m4a(seconds: float) -> bytes:
    """One audio track whose header tells its time scale and length."""
    scale = 1000
    units = int(seconds * scale)

    def atom(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + name + body

    mvhd = atom(b"mvhd", bytes(12) + struct.pack(">II", scale, units) + bytes(80))
    mdhd = atom(b"mdhd", bytes(12) + struct.pack(">II", scale, units) + bytes(4))
    return atom(b"ftyp", b"M4A \x00\x00\x00\x00M4A ") + atom(b"moov", mvhd + atom(b"trak", atom(b"mdia", mdhd)))


def webm(seconds: float, *, tells: bool) -> bytes:
    """One block every 20 ms, in clusters of a second. `tells`: whether the head says how long it is."""

    def element(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) | 1 << 56).to_bytes(8, "big") + body

    info = element(b"\x2a\xd7\xb1", (1_000_000).to_bytes(3, "big"))
    if tells:
        info += element(b"\x44\x89", struct.pack(">d", seconds * 1000))
    clusters = b""
    ends_ms = int(seconds * 1000)
    for start in range(0, ends_ms + 1, 1000):
        blocks = b"".join(
            element(b"\xa3", b"\x81" + struct.pack(">h", at - start) + b"\x80" + b"sound")
            for at in range(start, min(start + 1000, ends_ms + 1), 20)
        )
        # A recorder leaves the length of a cluster open while it writes it.
        clusters += b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + element(b"\xe7", start.to_bytes(4, "big")) + blocks
    segment = b"\x18\x53\x80\x67\x01" + b"\xff" * 7
    return (
        element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm"))
        + segment
        + element(b"\x15\x49\xa9\x66", info)
        + clusters
    )


def ogg_opus(seconds: float) -> bytes:
    """Two heads and a last page whose position tells the length, at 48,000 to the second."""

    def page(body: bytes, position: int, number: int, kind: int) -> bytes:
        segments = [255] * (len(body) // 255) + [len(body) % 255]
        return (
            b"OggS\x00" + bytes([kind]) + struct.pack("<qIII", position, 1, number, 0)
            + bytes([len(segments), *segments]) + body
        )  # fmt: skip

    head = b"OpusHead" + bytes([1, 1]) + struct.pack("<HIhB", 0, 48000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", 0)
    return page(head, 0, 0, 2) + page(tags, 0, 1, 0) + page(bytes(100), int(seconds * 48000), 2, 4)
