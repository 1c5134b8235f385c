"""The matrix as a picture: what each client did with each provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Key = tuple[str, str, str]
"""Client, provider, case."""


def rows(results: Mapping[Key, str]) -> list[list[str]]:
    """Return a row a case: its name, then a word for each client over each provider."""
    columns = _columns(results)
    cases = list(dict.fromkeys(case for _, _, case in results))
    return [[case, *(results.get((*column, case), "") for column in columns)] for case in cases]


def _columns(results: Iterable[Key]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((client, upstream) for client, upstream, _ in results))


def as_text(results: Mapping[Key, str]) -> list[str]:
    """Return lines for a terminal: a table a client, a column a provider."""
    lines: list[str] = []
    for client in dict.fromkeys(client for client, _, _ in results):
        own = {key: word for key, word in results.items() if key[0] == client}
        upstreams = list(dict.fromkeys(upstream for _, upstream, _ in own))
        lines += ["", f"{client:32}" + "".join(f"{upstream:>18}" for upstream in upstreams)]
        lines += [f"{case:32}" + "".join(f"{word:>18}" for word in words) for case, *words in rows(own)]
    return lines
