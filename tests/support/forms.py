"""Forms as clients send them."""

from __future__ import annotations

BOUNDARY = "a-boundary-of-ours"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(*parts: tuple[str, str | bytes] | tuple[str, str | bytes, str]) -> bytes:
    """Return the body of a form: (name, text) for a field, (name, content, filename) for a file."""
    lines = []
    for part in parts:
        name, content = part[0], part[1]
        named = f'; filename="{part[2]}"\r\nContent-Type: application/octet-stream' if len(part) == 3 else ""
        data = content.encode() if isinstance(content, str) else content
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        lines.append(head.encode() + data + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
