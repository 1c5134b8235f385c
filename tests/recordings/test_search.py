"""Words are found in recorded messages by those who may read them, as far as a moment's work reaches."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from gateway.audit.author import Author
from gateway.recordings import search
from gateway.recordings.packing import Content
from storage.records import Role
from storage.repositories import messages
from storage.repositories.messages import StoredMessages
from tests.recordings.test_access import audited, permit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tests.management.site import Site

ROOT, ANN = Author(id=1, username="root", role=Role.ROOT), Author(id=2, username="ann", role=Role.USER)


async def said(site: Site, user_id: int, request_id: str, text: str, *, answer: str = "", at_s: int = 1_000) -> None:
    content = Content(request=text, answer=answer)
    row = StoredMessages(
        request_id=request_id,
        user_id=user_id,
        token_id=9,
        created_at=at_s * 1000,
        content=zlib.compress(msgspec.json.encode(content)),
    )
    await site.services.database.write(lambda conn: messages.add(conn, [row]))


async def test_words_are_found_in_requests_and_answers_however_they_are_escaped(site: Site) -> None:
    await said(site, 2, "plain", json.dumps({"content": 'Say "Grüße" to 世界'}, ensure_ascii=False))
    await said(site, 2, "escaped", json.dumps({"content": 'say "grüße" to 世界'}))
    await said(site, 2, "answered", "{}", answer=json.dumps({"content": "no"}))
    assert set((await search.find(site.services, ANN, 'say "gr')).request_ids) == {"plain", "escaped"}
    assert set((await search.find(site.services, ANN, "世界")).request_ids) == {"plain", "escaped"}
    found = await search.find(site.services, ANN, "NO")
    assert (list(found.request_ids), found.looked, found.is_all) == (["answered"], 3, True)


async def test_pictures_are_not_words(site: Site) -> None:
    await said(site, 2, "picture", json.dumps({"url": "data:image/png;base64," + "cat0" * 500}))
    assert (await search.find(site.services, ANN, "cat0")).request_ids == []


async def test_one_looks_through_one_s_own_and_root_through_all_which_is_written_down_once(site: Site) -> None:
    await said(site, 2, "anns", "word")
    await said(site, 3, "bobs", "word")
    assert (await search.find(site.services, ANN, "word")).request_ids == ["anns"]
    assert (await search.find(site.services, ANN, "word", user_id=3)).looked == 0
    assert await audited(site) == []
    assert set((await search.find(site.services, ROOT, "word")).request_ids) == {"anns", "bobs"}
    assert (await search.find(site.services, ROOT, "word", user_id=3)).request_ids == ["bobs"]
    ((actor, action, _name, changes),) = await audited(site)
    assert (actor, action) == ("root", "messages.search")
    assert "word" not in changes


async def test_administrators_look_through_others_only_where_root_permits_it(site: Site) -> None:
    await site.user("ann")
    await site.user("carl", role="admin")
    number, admin = await site.number_of("ann"), await site.number_of("carl")
    bob = Author(id=77, username="bob", role=Role.ADMIN)
    await said(site, number, "anns", "word")
    await said(site, admin, "carls", "word")
    assert (await search.find(site.services, bob, "word")).request_ids == []
    await permit(site, MessagesForAdministrators="true")
    assert (await search.find(site.services, bob, "word")).request_ids == ["anns"]


async def test_a_search_ends_after_so_many_recordings_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_LOOKED", 100)
    for number in range(120):
        await said(site, 2, f"r{number}", "word" if number == 3 else "other", at_s=1_000 + number)
    found = await search.find(site.services, ANN, "word")
    assert (list(found.request_ids), found.looked, found.is_all) == ([], 100, False)
    found = await search.find(site.services, ANN, "word", since=1_000, until=1_020)
    assert (list(found.request_ids), found.looked, found.is_all) == (["r3"], 20, True)


async def test_what_one_may_not_read_is_not_opened_however_much_there_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    open_row = messages._opened

    def counted(conn: Connection, row: StoredMessages) -> StoredMessages:
        opened.append(row.request_id)
        return open_row(conn, row)

    monkeypatch.setattr(messages, "_opened", counted)
    await site.user("ann")
    await site.user("carl", role="admin")
    await site.user("bob", role="admin")
    bob = Author(id=await site.number_of("bob"), username="bob", role=Role.ADMIN)
    await permit(site, MessagesForAdministrators="true")
    await said(site, bob.id, "bobs", "word", at_s=999)
    await said(site, await site.number_of("ann"), "anns", "word", at_s=998)
    for place in range(60):
        await said(site, await site.number_of("carl"), f"r{place}", "word", at_s=1_000 + place)
    found = await search.find(site.services, bob, "word")
    assert (list(found.request_ids), found.looked, found.is_all) == (["bobs", "anns"], 2, True)
    assert opened == ["bobs", "anns"]
