"""Which process this is, and whether one of this host still lives.

The lease of a killed process runs for some seconds more. Its neighbours on the same host, or its successor
after a restart, can see at once that it is gone, provided that they see the same processes: hence the boot and
the process namespace in a host's identity. Elsewhere the lease decides.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from secrets import token_hex

_PROC = Path("/proc")


def new_replica_id() -> str:
    """Return a name for this process that no other has, now or later."""
    return f"{socket.gethostname()[:32]}-{os.getpid()}-{token_hex(6)}"


def host_identity() -> str:
    """Return what processes have in common that can see each other."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        boot, namespace = "", ""
    return f"{socket.gethostname()[:64]} {boot} {namespace}"


def process_identity(pid: int | None = None) -> str:
    """Return pid and start time of a process (this one by default); the start is empty where there is no `/proc`."""
    pid = os.getpid() if pid is None else pid
    return f"{pid}:{_started(pid) or ''}"


def is_alive(identity: str) -> bool:
    """Return whether the process with this identity runs on this host. In doubt it does."""
    number, _, started = identity.partition(":")
    if not number.isdecimal() or int(number) == 0:
        return True
    pid = int(number)
    hidden = not (_PROC / "self/stat").exists()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It is there and belongs to somebody else, of whom `/proc` may show nothing.
        hidden = True
    found = _started(pid)
    if not started or found is None:
        return hidden or not started
    return found == started


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since boot; `None` if it is dead, a zombie, or hidden."""
    try:
        # The name in parentheses may hold anything, blanks and parentheses included.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else started
