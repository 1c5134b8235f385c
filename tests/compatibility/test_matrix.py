"""Each official client does with each provider what it does with its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compatibility.cases import CASES, Cell
from tests.compatibility.clients.chat import ChatTalk
from tests.compatibility.clients.claude import ClaudeTalk
from tests.compatibility.clients.gemini import GeminiBetaTalk, GeminiTalk
from tests.compatibility.clients.responses import ResponsesTalk
from tests.compatibility.house import UPSTREAMS, House, Upstream
from tests.compatibility.matrix import NAMED, NONE, PAGE, YES, Key, as_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.compatibility.clients.talk import Talk

CLIENTS: tuple[type[Talk], ...] = (ChatTalk, ResponsesTalk, ClaudeTalk, GeminiTalk, GeminiBetaTalk)


def expected(client: str, upstream: str, case: str) -> str:
    """Return the word for a cell."""
    if case != "stop sequences":
        return YES
    # The Responses API has none, neither for clients nor of providers.
    if client == ResponsesTalk.name:
        return NONE
    return NAMED if upstream == "Responses" else YES


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.name)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client_over_provider(
    here: House, client: type[Talk], upstream: Upstream, case: str, record_property: Callable[[str, object], None]
) -> None:
    word = expected(client.name, upstream.name, case)
    if word != NONE:
        CASES[case](Cell(here=here, upstream=upstream, client=client))
    record_property("cell", ((client.name, upstream.name, case), word))


def test_the_page_shows_what_is_tested() -> None:
    cells: dict[Key, str] = {
        (client.name, upstream.name, case): expected(client.name, upstream.name, case)
        for client in CLIENTS
        for upstream in UPSTREAMS
        for case in CASES
    }
    assert PAGE.read_text(encoding="utf-8") == as_page(cells), "run `scripts/docs compatibility`"
