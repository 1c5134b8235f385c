"""Style sheets, scripts and icons: read once, compressed once, served under a hash of all of them.

The hash is part of the path, so modules may import their neighbours by relative names, browsers may keep everything
for a year, and an upgrade changes every address at once. An address of an older version still gets today's file.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PREFIX = "/static"
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is sent."""

    content_type: str
    plain: bytes
    zipped: bytes


class Assets:
    """All files of `static/`."""

    def __init__(self, files: dict[str, bytes]) -> None:
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(name.encode() + b"\0" + files[name] + b"\0")
        self.version = digest.hexdigest()[:12]
        self._files = {
            name: Asset(TYPES[name.rpartition(".")[2]], content, gzip.compress(content, 9, mtime=0))
            for name, content in files.items()
        }

    def url(self, name: str) -> str:
        """Return the address of a file. Raises `KeyError` for one that is not there."""
        _ = self._files[name]
        return f"{PREFIX}/{self.version}/{name}"

    def get(self, name: str) -> Asset | None:
        """Return a file by its path below `static/`."""
        return self._files.get(name)


def load_assets() -> Assets:
    """Read the files that are installed with this package."""
    found: dict[str, bytes] = {}
    _collect(resources.files("admin_ui") / "static", "", found)
    return Assets(found)


def _collect(folder: Traversable, path: str, found: dict[str, bytes]) -> None:
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        if entry.is_dir():
            _collect(entry, f"{name}/", found)
        elif name.rpartition(".")[2] in TYPES:
            found[name] = entry.read_bytes()
