"""Measure a gateway on this machine and print a table.

A fresh gateway process on an empty SQLite database, with one channel to a mock provider, is loaded with one
scenario after the other; where latency is compared, straight to the mock and through the gateway in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from scripts.bench_.processes import usage_of
from scripts.bench_.scenarios import LOADS, NAMES, START, START_TITLE, Scenario
from tests.support.gateway import running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
Result = dict[str, Any]
WARM_MODEL = "bench-8chunks-40b"

COLUMNS = (
    ("scenario", "scenario"),
    ("requests_per_second", "req/s"),
    ("added_ms", "added ms"),
    ("cpu_ms_per_request", "CPU ms/req"),
    ("cpu_us_per_chunk", "CPU µs/chunk"),
    ("lost", "lost"),
    ("damaged", "damaged"),
    ("kb_per_stream", "kB/stream"),
)


class Tools:
    """The mock provider and the load generator: those found in a folder, else our own."""

    def __init__(self, folder: Path | None) -> None:
        own = [sys.executable, "-m"]
        self.mock = [str(folder / "mockup")] if folder else [*own, "scripts.bench_.mock"]
        self.client = [str(folder / "loadgen")] if folder else [*own, "scripts.bench_.client"]

    @asynccontextmanager
    async def mocking(self) -> AsyncIterator[str]:
        """Run the mock provider; give its address."""
        process = await trio.lowlevel.open_process(
            [*self.mock, "-listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT
        )
        assert process.stdout is not None
        try:
            said = b""
            with trio.fail_after(20):
                while b"\n" not in said:
                    if not (data := await process.stdout.receive_some()):
                        raise SystemExit(f"the mock provider ended: {said.decode()}")
                    said += data
            yield f"http://{said.split()[-1].decode().removeprefix('http://')}"
        finally:
            process.kill()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await process.wait()

    async def load(self, url: str, flags: list[str]) -> Result:
        """Run the load generator and return its report."""
        done = await trio.run_process(
            [*self.client, "-url", url, *flags], capture_stdout=True, capture_stderr=True, check=False, cwd=ROOT
        )
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            raise SystemExit(f"the load generator failed: {done.stderr.decode()[-2000:]}") from None


async def measure_load(tools: Tools, scenario: Scenario, mock: str, *, workers: int, rounds: int) -> Result:
    """Run one scenario against a fresh gateway."""
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        async with running_gateway(Path(folder), env={"WORKERS": workers}) as gateway:
            root = await gateway.login()
            await root.add_channel(base_url=mock, models=sorted({scenario.model, WARM_MODEL}))
            token = await root.add_token(name="bench")
            await root.client.aclose()
            through = [*scenario.flags(), "-key", token["key"], "-pid", str(gateway.pid), "-settle", "1"]
            # What a process loads with its first requests is no cost of the scenario.
            await tools.load(gateway.url, ["-model", WARM_MODEL, "-n", "200", "-c", "16", "-key", token["key"]])
            added, reports = [], []
            for _ in range(1 if scenario.requests else rounds):
                direct = await tools.load(mock, scenario.flags(share=0.4, straight=True))
                report = await tools.load(gateway.url, through)
                reports.append(report)
                if report["requests"] and direct["requests"]:
                    # A paced answer takes its ten seconds anyway: there, the first text is what can be late.
                    what = "ttft_ms" if scenario.requests else "latency_ms"
                    added.append(report[what]["p50"] - direct[what]["p50"])
            code, text = await gateway.ledger_verify()
            told = gateway.told() if any(report["errors"] for report in reports) else ""
    return summary(scenario, reports, added) | {"books": "balance" if code == 0 else text, "told": told}


def summary(scenario: Scenario, reports: list[Result], added: list[float]) -> Result:
    """Return the medians over the rounds, and the sums of what went wrong."""

    def middle(values: list[float]) -> float:
        return round(statistics.median(values), 3)

    servers = [report["server"] for report in reports]
    result: Result = {
        "scenario": f"{scenario.name} {scenario.title}",
        "requests": sum(report["requests"] for report in reports),
        "requests_per_second": middle([report["requests_per_second"] for report in reports]),
        "added_ms": middle(added) if added else None,
        "cpu_ms_per_request": middle([server["cpu_ms_per_request"] for server in servers]),
        "lost": sum(report["errors"] - report["wrong_content"] for report in reports),
        "damaged": sum(report["wrong_content"] for report in reports),
        "error_kinds": {kind: count for report in reports for kind, count in report["error_kinds"].items()},
    }
    if scenario.streams:
        result["cpu_us_per_chunk"] = middle([server["cpu_us_per_chunk"] for server in servers])
    if scenario.requests:
        grown = max(server["pss_peak_mb"] - server["pss_start_mb"] for server in servers)
        result["kb_per_stream"] = round(grown * 1e3 / scenario.concurrency, 1)
    return result


async def measure_start(*, workers: int) -> Result:
    """Start a gateway on an empty database, and again on what that left; read its memory once it is idle."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        async with running_gateway(Path(folder), env={"WORKERS": workers}, start=False) as gateway:
            for _ in range(2):
                began = trio.current_time()
                await gateway.start()
                seconds.append(round(trio.current_time() - began, 2))
                # Long enough for what loads behind the first requests, such as token ranks.
                await trio.sleep(5)
                usage = usage_of(gateway.pid)
                await gateway.terminate()
                await gateway.wait()
    return {
        "scenario": f"{START} {START_TITLE}",
        "first_start_s": seconds[0],
        "start_s": seconds[1],
        "start_cpu_s": round(usage.cpu_s, 2),
        "idle_rss_mb": round(usage.rss_mb, 1),
        "idle_pss_mb": round(usage.pss_mb, 1),
    }


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table, and a line for the start."""
    loads = [result for result in results if "requests" in result]
    lines = []
    if loads:
        lines = ["| " + " | ".join(title for _, title in COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
        for result in loads:
            cells = ["-" if result.get(key) is None else str(result[key]) for key, _ in COLUMNS]
            lines.append("| " + " | ".join(cells) + " |")
    for result in results:
        if "start_s" in result:
            starts = f"first start {result['first_start_s']} s, later {result['start_s']} s"
            idle = f"idle {result['idle_pss_mb']} MB PSS, {result['idle_rss_mb']} MB RSS"
            lines += ["", f"{result['scenario']}: {starts} ({result['start_cpu_s']} s CPU); {idle}"]
    for result in loads:
        if result["books"] != "balance":
            lines += ["", f"{result['scenario']}: THE BOOKS DIFFER: {result['books']}"]
        if result["lost"] or result["damaged"]:
            lines += ["", f"{result['scenario']}: {result['error_kinds']}", result["told"]]
    return "\n".join(lines)


def options_of() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--tools",
        type=Path,
        metavar="DIR",
        help="folder with the programs `mockup` and `loadgen`; else our own are used",
    )
    parser.add_argument(
        "--scenario", action="append", choices=NAMES, metavar="S", help="S1 to S9; may be given again (default: all)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds to take medians of (default: 3)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


async def main(options: argparse.Namespace) -> int:
    """Run what was asked for; 1 if anything was lost, damaged, or booked wrongly."""
    tools = Tools(options.tools.resolve() if options.tools else None)
    wanted = options.scenario or NAMES
    results = []
    async with tools.mocking() as mock:
        for scenario in LOADS:
            if scenario.name in wanted:
                say(f"{scenario.name} {scenario.title} …")
                results.append(
                    await measure_load(tools, scenario, mock, workers=options.workers, rounds=options.rounds)
                )
    if START in wanted:
        say(f"{START} {START_TITLE} …")
        results.append(await measure_start(workers=options.workers))
    print(json.dumps(results, indent=1) if options.json else table(results))
    return int(any(r.get("lost") or r.get("damaged") or r.get("books", "balance") != "balance" for r in results))


def say(text: str) -> None:
    """Tell a waiting person where we are."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if os.name != "posix":
        raise SystemExit("scripts/bench reads /proc and needs Linux")
    sys.exit(trio.run(main, options_of()))
