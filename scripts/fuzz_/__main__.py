"""Feed decoders for a while, and tell what they raised that they must not.

With atheris (Linux) inputs are chosen by the code that they reach; without it, or with `--plain`, they are made at
random. Either way they are mutations of recordings. What fails is written to a file, and shown by `--replay FILE`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.fuzz_.mutate import LONGEST, mutated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scripts.fuzz_.targets import Target

SHOWN_EVERY_S = 5.0


def main() -> int:
    """Run what the command line asks for; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each decoder (default: 60)")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="decoders whose name holds this, such as `stream-`"
    )
    parser.add_argument("--list", action="store_true", help="name the decoders and stop")
    parser.add_argument("--seed", type=int, default=None, help="of the random choices (default: another each time)")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--jobs", type=int, default=1, help="decoders at the same time (default: 1)")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="folder for inputs that fail")
    parser.add_argument("--replay", type=Path, help="feed this input once to the decoder that its name tells")
    parser.add_argument("--inner", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        return guided(options.inner, options)
    targets = load_targets()
    if options.replay:
        name = options.replay.name.rpartition(".")[0].rpartition(".")[0]
        targets[name].run(options.replay.read_bytes())
        print(f"{name}: nothing raised")
        return 0
    names = [name for name in targets if options.only in name]
    if options.list:
        print("\n".join(names))
        return 0
    use_atheris = not options.plain and importlib.util.find_spec("atheris") is not None
    print(f"{len(names)} decoders, {options.seconds:g} s each, {'guided by atheris' if use_atheris else 'at random'}")
    bad = run_guided(names, options) if use_atheris else [name for name in names if not plain(name, options)]
    print(f"found something in {', '.join(bad)}" if bad else "nothing found")
    return 1 if bad else 0


def load_targets() -> Mapping[str, Target]:
    """Return the decoders. Late, since atheris must see them being imported."""
    from scripts.fuzz_.targets import TARGETS  # noqa: PLC0415

    return TARGETS


def run_guided(names: list[str], options: argparse.Namespace) -> list[str]:
    """Run each decoder in a process of its own, some at a time; return the names of those that failed."""
    waiting, running, bad = list(names), {}, []
    while waiting or running:
        while waiting and len(running) < options.jobs:
            name = waiting.pop(0)
            command = [sys.executable, "-m", "scripts.fuzz_", "--inner", name, "--seconds", str(options.seconds)]
            command += ["--findings", str(options.findings)]
            if options.seed is not None:
                command += ["--seed", str(options.seed)]
            running[name] = (
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT),
                time.monotonic(),
            )
        name, (process, began) = next(iter(running.items()))
        output, _ = process.communicate()
        del running[name]
        print(
            _summary(name, output.decode(errors="replace"), process.returncode, time.monotonic() - began), flush=True
        )
        if process.returncode:
            bad.append(name)
    return bad


def _summary(name: str, output: str, code: int, took_s: float) -> str:
    runs = [line for line in output.splitlines() if line.startswith(("Done ", "#"))]
    last = runs[-1].split("\t")[0].strip() if runs else ""
    cover = next((word for line in reversed(runs) for word in line.split("\t") if "cov:" in word), "").strip()
    told = f"{name:32} {took_s:5.0f} s  {last} {cover[:60]}"
    return told if not code else f"{told}\n{output[-6000:]}"


def guided(name: str, options: argparse.Namespace) -> int:
    """Fuzz one decoder with atheris. Does not return: libFuzzer ends the process."""
    import atheris  # noqa: PLC0415 - not on every platform

    with atheris.instrument_imports(include=["adapters", "gateway.relay.signed"]):
        target = load_targets()[name]
    options.findings.mkdir(parents=True, exist_ok=True)

    def feed(raw: bytes) -> None:
        try:
            target.run(raw)
        except Exception:
            print(f"kept as {_keep(options.findings, name, raw)}")
            raise

    def change(raw: bytes, longest: int, seed: int) -> bytes:
        return mutated(raw, random.Random(seed), is_json=target.is_json, others=target.seeds)[:longest]

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        arguments = [
            sys.argv[0],
            corpus,
            f"-max_total_time={int(options.seconds)}",
            f"-max_len={LONGEST}",
            "-timeout=20",
        ]
        arguments += [f"-artifact_prefix={tempfile.gettempdir()}/fuzz-{os.getpid()}-", "-rss_limit_mb=4096"]
        if options.seed is not None:
            arguments.append(f"-seed={options.seed}")
        atheris.Setup(arguments, feed, custom_mutator=change)
        atheris.Fuzz()
    return 0


def plain(name: str, options: argparse.Namespace) -> bool:
    """Fuzz one decoder at random; whether nothing was found."""
    target = load_targets()[name]
    chance = random.Random(options.seed)
    began = shown = time.monotonic()
    runs = 0
    corpus = list(target.seeds)
    while (now := time.monotonic()) - began < options.seconds:
        raw = mutated(chance.choice(corpus), chance, is_json=target.is_json, others=target.seeds)
        runs += 1
        try:
            target.run(raw)
        except Exception:  # noqa: BLE001 - whatever it is, it is what we are looking for
            print(f"{name}: raised after {runs} inputs, kept as {_keep(options.findings, name, raw)}")
            traceback.print_exc()
            return False
        if len(corpus) < 200 and len(raw) < LONGEST and chance.random() < 0.02:
            corpus.append(raw)
        if now - shown > SHOWN_EVERY_S and sys.stderr.isatty():
            shown = now
            print(f"\r{name}: {runs} inputs, {options.seconds - (now - began):.0f} s left ", end="", file=sys.stderr)
    print(f"{name:32} {time.monotonic() - began:5.0f} s  {runs} inputs", flush=True)
    return True


def _keep(folder: Path, name: str, raw: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{hashlib.sha256(raw).hexdigest()[:12]}.bin"
    path.write_bytes(raw)
    return path


if __name__ == "__main__":
    sys.exit(main())
