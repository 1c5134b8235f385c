"""Encodings are made offline from checked ranks, and no text ends the process."""

import gzip
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.counting import encodings
from gateway.counting.encodings import (
    BLOCK_CHARS,
    CL100K,
    O200K,
    RanksDamaged,
    blocks,
    count_tokens,
    encoding_name_for,
    load_encoding,
)


@pytest.fixture(scope="module", params=[CL100K, O200K])
def encoding(request: pytest.FixtureRequest) -> tiktoken.Encoding:
    return load_encoding(request.param)


def test_texts_are_cut_into_known_tokens(encoding: tiktoken.Encoding) -> None:
    known = {
        CL100K: [15339, 1917, 11, 220, 2366, 19, 0],
        O200K: [24912, 2375, 11, 220, 1323, 19, 0],
    }
    assert encoding.encode_ordinary("hello world, 2024!") == known[encoding.name]


@given(st.text())
@settings(deadline=None, max_examples=50)
def test_tokens_give_the_text_back(encoding: tiktoken.Encoding, text: str) -> None:
    assert encoding.decode(encoding.encode_ordinary(text)) == text


def test_special_tokens_in_a_text_are_plain_text(encoding: tiktoken.Encoding) -> None:
    assert count_tokens(encoding, "<|endoftext|>") > 1


@pytest.mark.parametrize("char", [" ", "\n", "a", "!", "中"])
def test_a_million_of_one_character_is_counted(encoding: tiktoken.Encoding, char: str) -> None:
    # In one piece, a million blanks overflow the stack of the encoder's regular expression.
    assert 0 < count_tokens(encoding, char * 1_000_000) <= 1_000_000


def test_seams_do_not_change_the_count_of_ordinary_text(encoding: tiktoken.Encoding) -> None:
    text = "The quick brown fox jumps over the lazy dog, and counts to 12345. " * 3000
    assert count_tokens(encoding, text) == len(encoding.encode_ordinary(text))


@given(st.integers(0, 3 * BLOCK_CHARS), st.sampled_from(["x", "word ", " "]))
@settings(deadline=None, max_examples=30)
def test_blocks_are_short_and_lose_nothing(length: int, unit: str) -> None:
    text = (unit * length)[:length]
    pieces = list(blocks(text))
    assert "".join(pieces) == text
    assert all(len(piece) <= BLOCK_CHARS for piece in pieces)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", O200K),
        ("gpt-4o-mini-2024-07-18", O200K),
        ("chatgpt-4o-latest", O200K),
        ("gpt-4.1", O200K),
        ("gpt-5-mini", O200K),
        ("o3-mini", O200K),
        ("ft:gpt-4o-2024-08-06:me", O200K),
        ("gpt-4", CL100K),
        ("gpt-4-turbo", CL100K),
        ("gpt-3.5-turbo", CL100K),
        ("ft:gpt-3.5-turbo", CL100K),
        ("text-embedding-3-small", CL100K),
        ("claude-sonnet-4", CL100K),
        ("nobody-knows", CL100K),
        ("omni-moderation-latest", CL100K),
    ],
)
def test_each_model_has_its_encoding(model: str, name: str) -> None:
    assert encoding_name_for(model) == name


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"aGk= 0\n", mtime=0), None])
def test_damaged_ranks_are_refused(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if content is not None:
        (tmp_path / f"{CL100K}.tiktoken.gz").write_bytes(content)
    monkeypatch.setattr(encodings, "_ranks_folder", lambda: tmp_path)
    with pytest.raises(RanksDamaged, match="install the package bpe-openai afresh"):
        load_encoding(CL100K)
