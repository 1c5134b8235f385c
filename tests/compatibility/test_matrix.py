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

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.compatibility.clients.talk import Talk

pytestmark = pytest.mark.slow

CLIENTS: tuple[type[Talk], ...] = (ChatTalk, ResponsesTalk, ClaudeTalk, GeminiTalk, GeminiBetaTalk)
# The Responses API has no stop sequences at all.
IMPOSSIBLE = {("openai responses", "stop sequences")}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.name)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_client_over_provider(
    here: House, client: type[Talk], upstream: Upstream, case: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("cell", (client.name, upstream.name, case))
    if (client.name, case) in IMPOSSIBLE:
        pytest.skip("the client has no such wish")
    CASES[case](Cell(here=here, upstream=upstream, client=client))
