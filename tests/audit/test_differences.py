"""What an entry of the audit says of a change."""

from __future__ import annotations

from gateway.audit.trail import LONGEST, MASK, differences


def test_only_what_differs_is_told() -> None:
    assert differences({"a": 1, "b": "x", "c": None}, {"a": 2, "b": "x", "c": ""}) == {"a": [1, 2]}


def test_what_was_made_or_removed_is_told_whole() -> None:
    assert differences({}, {"name": "n", "empty": ""}) == {"name": [None, "n"]}
    assert differences({"name": "n"}, {}) == {"name": ["n", None]}


def test_of_secrets_only_their_presence_is_told() -> None:
    assert differences({"key": "old"}, {"key": "new"}, secrets={"key"}) == {"key": [MASK, MASK]}
    assert differences({"key": ""}, {"key": "new"}, secrets={"key"}) == {"key": ["", MASK]}
    assert differences({"key": "same"}, {"key": "same"}, secrets={"key"}) == {}


def test_long_texts_are_shortened() -> None:
    (change,) = differences({"text": ""}, {"text": "x" * 5000}).values()
    assert change == ["", "x" * LONGEST + "…"]
