"""What the audit can be filtered by is all that is written into it."""

from __future__ import annotations

import re
from pathlib import Path

import gateway
from gateway.audit import book

_NOTED = re.compile(r'\b_?noted?\(\s*conn,[^"]*"([a-z]+)\.([a-z0-9-]+)"')


def test_each_thing_and_action_that_is_noted_can_be_asked_for() -> None:
    sources = Path(gateway.__file__).parent.rglob("*.py")
    noted = {pair for path in sources for pair in _NOTED.findall(path.read_text("utf-8"))}
    assert ("option", "set") in noted
    assert {kind for kind, _verb in noted} - set(book.KINDS) == set()
    assert {verb for _kind, verb in noted} - set(book.VERBS) == set()
