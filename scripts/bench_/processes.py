"""What a process and its children have used: CPU time and memory."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in seconds, memory in MB. PSS counts a page shared by n processes as 1/n in each."""

    cpu_s: float
    rss_mb: float
    pss_mb: float


def usage_of(pid: int) -> Usage:
    """Return what the process tree of `pid` has used so far; processes that just ended count as nothing."""
    cpu = rss = pss = 0.0
    for process in family(pid):
        try:
            times, memory = process.cpu_times(), process.memory_full_info()
        except psutil.NoSuchProcess:
            continue
        cpu += times.user + times.system
        rss += memory.rss
        pss += getattr(memory, "pss", memory.rss)
    return Usage(cpu_s=cpu, rss_mb=rss / 1e6, pss_mb=pss / 1e6)


def family(pid: int) -> list[psutil.Process]:
    """Return the process and all its descendants."""
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
