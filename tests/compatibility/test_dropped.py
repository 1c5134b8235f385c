"""What could not be carried is told to the client, and recorded with the request: of the request, and of the answer."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.compatibility.clients.chat import ChatTalk
from tests.compatibility.clients.claude import ClaudeTalk
from tests.compatibility.clients.talk import Wishes
from tests.compatibility.house import UPSTREAMS, House
from tests.support.wires.said import Said

if TYPE_CHECKING:
    from tests.compatibility.clients.talk import Talk

pytestmark = pytest.mark.slow

MODELS = {upstream.wire: upstream.model for upstream in UPSTREAMS}
SIGNATURE = "contents.parts.text.signature"


def recorded(here: House) -> list[str]:
    """What the record of the latest request names, once it is written."""
    deadline = time.monotonic() + 10
    with closing(sqlite3.connect(here.gateway.folder / "one-api.db")) as database:
        while time.monotonic() < deadline:
            query = "SELECT detail FROM gw_requests ORDER BY id DESC LIMIT 1"
            rows = database.execute(query).fetchall()
            count = database.execute("SELECT COUNT(*) FROM gw_requests").fetchone()[0]
            if count > here.seen and rows:
                here.seen = count
                return list(json.loads(rows[0][0]).get("dropped", []))
            time.sleep(0.05)
    raise AssertionError("no record was written")


@pytest.mark.parametrize("streams", [False, True])
def test_of_a_request(here: House, streams: bool) -> None:
    recorded_before(here)
    here.stage.will(Said(text=("a",)))
    talk = ClaudeTalk(here.url, here.key, Wishes(model=MODELS["responses"], streams=streams, stops=("x",)))
    talk.say("?")
    assert talk.dropped == ["stop_sequences"]
    assert recorded(here) == ["stop_sequences"]


@pytest.mark.parametrize("client", [ChatTalk, ClaudeTalk])
@pytest.mark.parametrize("streams", [False, True])
def test_of_an_answer(here: House, client: type[Talk], streams: bool) -> None:
    recorded_before(here)
    here.stage.will(Said(thoughts=("Hm.",), text=("a", "b")))
    talk = client(here.url, here.key, Wishes(model=MODELS["gemini"], streams=streams, thinks=True))
    talk.say("?")
    # The head of a stream is gone before its end comes.
    assert (SIGNATURE in talk.dropped) is not streams
    assert SIGNATURE in recorded(here)


def recorded_before(here: House) -> None:
    """Let the records of earlier requests be written."""
    with closing(sqlite3.connect(here.gateway.folder / "one-api.db")) as database:
        count = -1
        while (now := database.execute("SELECT COUNT(*) FROM gw_requests").fetchone()[0]) != count:
            count = now
            time.sleep(0.3)
    here.seen = count
