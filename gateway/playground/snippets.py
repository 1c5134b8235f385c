"""The same request for a terminal, in Python and in JavaScript, with a placeholder where the key goes."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final

from gateway.playground.conversation import KEY_HEADERS

if TYPE_CHECKING:
    from gateway.playground.conversation import Written

KEY = "$ONE_API_KEY"
# A picture of a megabyte is nothing that people read.
_LONG: Final = re.compile(r"[A-Za-z0-9+/]{2000,}={0,2}")
_KEPT: Final = 40


def abridged(text: str) -> str:
    """Return a request with long base64 cut short, for people to read."""
    return _LONG.sub(lambda found: f"{found[0][:_KEPT]}…{len(found[0])} characters", text)


def snippets(written: Written, base_url: str) -> dict[str, str]:
    """Return code by language: `curl`, `Python` and `JavaScript`."""
    url = base_url.rstrip("/") + written.path + (f"?{written.query}" if written.query else "")
    header, pattern = KEY_HEADERS[written.format]
    text = abridged(written.body.decode())
    body = json.loads(text)
    shell = f"{header}: {pattern.format(key=KEY)}"
    python_value = f'f"{pattern.format(key="{os.environ[" + repr("ONE_API_KEY") + "]}")}"'
    script_value = f"`{pattern.format(key='${process.env.ONE_API_KEY}')}`"
    return {
        "curl": (
            f"curl {shlex.quote(url)} \\\n  -H {json.dumps(shell)} \\\n"
            f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(text)}"
        ),
        "Python": (
            "import os\n\nimport httpx\n\n"
            f"answer = httpx.post(\n    {url!r},\n    headers={{{header!r}: {python_value}}},\n"
            f"    json={body!r},\n    timeout=300,\n)\nprint(answer.text)"
        ),
        "JavaScript": (
            f'const answer = await fetch({json.dumps(url)}, {{\n  method: "POST",\n'
            f'  headers: {{ {json.dumps(header)}: {script_value}, "Content-Type": "application/json" }},\n'
            f"  body: JSON.stringify({text}),\n}});\nconsole.log(await answer.text());"
        ),
    }
