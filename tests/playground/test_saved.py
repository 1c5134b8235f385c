"""What people keep of the playground, on each engine; and the pictures that they add."""

from __future__ import annotations

import pytest

from gateway.accounts.refusals import NotFound, Refused
from gateway.playground import saved
from gateway.playground.pictures import MOST, MOST_BYTES, UnfitPicture, picture_urls
from gateway.playground.saved import Answer, Kept
from tests.management.conftest import site_everywhere
from tests.management.site import Site

__all__ = ["site_everywhere"]

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


async def test_a_conversation_comes_back_as_it_was_and_to_nobody_else(site_everywhere: Site) -> None:
    services = site_everywhere.services
    kept = Kept(
        values={"model": "m", "message": "漢字 'quoted'"},
        formats=["gemini"],
        turns=[("user", "a"), ("assistant", "b")],
        answers=[Answer(name="Gemini", text="c", facts="1 s")],
    )
    number = await saved.keep(services, 1, "  About it ", kept)
    assert await saved.read_kept(services, 1, number) == ("About it", kept)
    assert [(one.id, one.title) for one in await saved.list_kept(services, 1)] == [(number, "About it")]
    assert await saved.list_kept(services, 2) == []
    with pytest.raises(NotFound):
        await saved.read_kept(services, 2, number)
    with pytest.raises(NotFound):
        await saved.forget(services, 2, number)
    await saved.forget(services, 1, number)
    assert await saved.list_kept(services, 1) == []


async def test_what_is_too_long_is_not_kept(site_everywhere: Site) -> None:
    with pytest.raises(Refused, match="too long"):
        await saved.keep(site_everywhere.services, 1, "x", Kept(values={"message": "x" * 1_000_001}))


def test_pictures_are_told_from_other_files() -> None:
    (url,) = picture_urls([PNG])
    assert url.startswith("data:image/png;base64,iVBOR")
    assert picture_urls([b"RIFF0000WEBPVP8 "])[0].startswith("data:image/webp;")
    for files in ([b"<svg onload=alert(1)>"], [PNG] * (MOST + 1), [PNG + b"0" * MOST_BYTES]):
        with pytest.raises(UnfitPicture):
            picture_urls(files)
