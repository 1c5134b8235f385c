"""The two encodings that count tokens, made from ranks that are installed with a package: nothing is downloaded.

The ranks are checked by hash, since a damaged file would not fail but miscount. Which model uses which
encoding is OpenAI's own mapping; everything else is counted with `cl100k_base`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import tiktoken

if TYPE_CHECKING:
    from collections.abc import Iterator

CL100K = "cl100k_base"
O200K = "o200k_base"

_SHA256 = {
    CL100K: "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    O200K: "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERNS = {
    CL100K: (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    O200K: "|".join(
        (
            rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}",
            rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
}
_SPECIAL_TOKENS = {
    CL100K: {
        "<|endoftext|>": 100257,
        "<|fim_prefix|>": 100258,
        "<|fim_middle|>": 100259,
        "<|fim_suffix|>": 100260,
        "<|endofprompt|>": 100276,
    },
    O200K: {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
}

_O200K_PREFIXES = ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-6", "gpt-oss", "o1", "o3", "o4")

BLOCK_CHARS = 32 * 1024
"""Texts are encoded in pieces of at most this length. A run of a million blanks overflows the stack of the
encoder's regular expression, which would end the process; a seam costs a token at most."""

_SEAM_CHARS = 256


class RanksDamaged(Exception):
    """The installed ranks are not what they should be; counting with them would be wrong."""

    code = "token_ranks"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"token ranks of {name}: {problem}; install the package bpe-openai afresh")
        self.name = name


def encoding_name_for(model: str) -> str:
    """Return the name of the encoding that counts for `model`."""
    return O200K if model.removeprefix("ft:").startswith(_O200K_PREFIXES) else CL100K


def load_encoding(name: str) -> tiktoken.Encoding:
    """Build an encoding from the installed ranks: up to a quarter of a second of CPU, so not on the event loop.

    Raises `RanksDamaged`.
    """
    try:
        ranks_text = gzip.decompress((_ranks_folder() / f"{name}.tiktoken.gz").read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise RanksDamaged(name, str(error)) from error
    if hashlib.sha256(ranks_text).hexdigest() != _SHA256[name]:
        raise RanksDamaged(name, "their SHA-256 differs")
    ranks: dict[bytes, int] = {}
    for line in ranks_text.splitlines():
        token, _, rank = line.partition(b" ")
        ranks[base64.b64decode(token)] = int(rank)
    encoding = tiktoken.Encoding(
        name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens=_SPECIAL_TOKENS[name]
    )
    # The encoder has its own copy; ours would keep 30 MB for nothing.
    ranks.clear()
    return encoding


def _ranks_folder() -> Path:
    # The package is looked up, not imported: an import would load its own tokeniser, 65 MB and half a second.
    spec = find_spec("bpe_openai")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package bpe-openai is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def count_tokens(encoding: tiktoken.Encoding, text: str) -> int:
    """Return the number of tokens of `text`; special tokens in it are plain text."""
    if len(text) <= BLOCK_CHARS:
        return len(encoding.encode_ordinary(text))
    return sum(len(encoding.encode_ordinary(block)) for block in blocks(text))


def blocks(text: str) -> Iterator[str]:
    """Cut `text` into pieces that can be encoded, before a blank where there is one near the end."""
    start = 0
    while len(text) - start > BLOCK_CHARS:
        end = start + BLOCK_CHARS
        blank = text.rfind(" ", end - _SEAM_CHARS, end)
        if blank > start:
            end = blank
        yield text[start:end]
        start = end
    yield text[start:]
