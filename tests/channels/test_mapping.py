"""Tables of model names: what is stored for them, and what makes no sense."""

from __future__ import annotations

import json

import pytest

from gateway.accounts.refusals import Refused
from gateway.channels.mapping import check_mapping, mapping_of, read_mapping


def test_rows_become_an_object_and_empty_ones_do_not_count() -> None:
    assert json.loads(mapping_of([(" a ", "b"), ("", ""), ("c", "d ")])) == {"a": "b", "c": "d"}
    assert mapping_of([("", "")]) == ""


@pytest.mark.parametrize("rows", [[("a", "")], [("", "b")], [("a", "b"), ("a", "c")]])
def test_half_a_row_and_a_name_that_is_mapped_twice_are_refused(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused):
        mapping_of(rows)


def test_a_ring_is_refused_and_named() -> None:
    with pytest.raises(Refused, match="a → b → c → a"):
        check_mapping({"a": "b", "b": "c", "c": "a"})


def test_a_chain_and_a_name_for_itself_are_no_ring() -> None:
    check_mapping({"a": "b", "b": "c", "x": "x", "y": "x"})


def test_what_cannot_be_read_maps_nothing() -> None:
    assert read_mapping("{") == {}
    assert read_mapping('["a"]') == {}
    assert read_mapping('{"a": "b", "c": 1}') == {"a": "b"}
