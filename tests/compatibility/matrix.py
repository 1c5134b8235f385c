"""The matrix: what each client does with each provider, as lines for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

Key = tuple[str, str, str]
"""Client, provider, case."""

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
YES, NAMED, NONE = "yes", "named", "-"
"""It works; what is missing is named to the client; the client has no such wish."""

_HEAD = """\
# Compatibility

Official clients, used as their documentation shows, over every format that providers speak, through the real program and a
mock provider that speaks each format and refuses what the real provider refuses (unknown members, foreign signatures, results
without calls). Made by `scripts/docs compatibility` from the tests in `tests/compatibility`, which run everything shown here:

{clients}

`yes`: works, whole and streamed where both exist. `named`: the provider has nothing like it; the client is told so in
`X-Oneapi-Dropped`. `-`: the client has no such wish.

What is tested: `tools`, `parallel tools` with a second turn that tells the results; `image in` as data; `structured output`
parsed by the client itself; `thinking` shown and counted apart; `thinking and tools`: the provider gets its own signed thoughts back;
`cached usage`: tokens read from and written to a cache where the client looks for them; `stop reasons`: limit, refusal; `error …`
and `stream cut`: the exception that the client's users catch. Loops of five steps whose provider changes at every step are run
as well."""


def as_text(results: Mapping[Key, str]) -> list[str]:
    """Return lines for a terminal: a table a client, a column a provider."""
    lines: list[str] = []
    for client in _unique(results, 0):
        upstreams = _unique(results, 1)
        lines += ["", f"{client:32}" + "".join(f"{upstream:>18}" for upstream in upstreams)]
        for case in _unique(results, 2):
            words = [results.get((client, upstream, case), "") for upstream in upstreams]
            if any(words):
                lines.append(f"{case:32}" + "".join(f"{word:>18}" for word in words))
    return lines


def as_page(results: Mapping[Key, str]) -> str:
    """Return the page. A case and the same streamed are one row, whose word is the lesser one."""
    packages = "\n".join(f"- `{name}` {version(name)}" for name in ("openai", "anthropic", "google-genai"))
    parts = [_HEAD.format(clients=packages)]
    upstreams = _unique(results, 1)
    cases = [case for case in _unique(results, 2) if not case.endswith(", streamed")]
    for client in _unique(results, 0):
        parts += ["", f"## {client}", "", "| | " + " | ".join(upstreams) + " |", "|---" * (len(upstreams) + 1) + "|"]
        for case in cases:
            words = []
            for upstream in upstreams:
                both = {
                    results[key]
                    for name in (case, f"{case}, streamed")
                    if (key := (client, upstream, name)) in results
                }
                words.append(both.pop() if len(both) == 1 else " / ".join(sorted(both)))
            parts.append(f"| {case} | " + " | ".join(words) + " |")
    return "\n".join(parts) + "\n"


def _unique(results: Mapping[Key, str], place: int) -> list[str]:
    return list(dict.fromkeys(key[place] for key in results))
