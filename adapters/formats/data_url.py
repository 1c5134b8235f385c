"""`data:` URLs, the way OpenAI's formats carry pictures and files."""

from __future__ import annotations


def split_data_url(url: str) -> tuple[str, str] | None:
    """Return media type and base64 data, or `None` if `url` is no base64 data URL."""
    if url[:5].lower() != "data:":
        return None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.lower().endswith(";base64"):
        return None
    return head.partition(";")[0].lower(), data


def data_url(media_type: str, data: str) -> str:
    """Return base64 `data` as a URL."""
    return f"data:{media_type};base64,{data}"
