"""The command `one-api`: finds out what is wanted, reads the configuration, and hands over.

Without a command it serves, and takes the flags of one-api, so that it can stand in its place in a unit file or a
container. Modules of commands are imported when they are called for: `--help` need not wait for a database driver.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.reference import as_text
from gateway.config.settings import ConfigurationError, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded

COMMANDS = ("serve", "check", "migrate", "config", "ledger", "secrets", "version")
DISTRIBUTION = "one-api"

_EXIT_CODES = "exit codes: 0 done; 1 something is wrong, and was printed; 2 the configuration or the call is wrong"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or (words[0].startswith("-") and words[0] not in {"-h", "--help", "--version", "-version"}):
        words.insert(0, "serve")
    # argparse exits by itself: 0 after --help, 2 after a call that it does not understand.
    options = _parser(words).parse_args(words)
    if options.command == "version" or options.version:
        sys.stdout.write(f"{DISTRIBUTION} {version(DISTRIBUTION)}\n")
        return 0
    try:
        loaded = _load(options)
    except ConfigurationError as error:
        sys.stderr.write("The configuration cannot be used:\n")
        for problem in error.problems:
            sys.stderr.write(f"  {problem}\n")
        sys.stderr.write("Nothing was started. `one-api serve --help` explains every variable.\n")
        return 2
    try:
        return _run(options, loaded)
    except KeyboardInterrupt:
        return 130


def _load(options: argparse.Namespace) -> Loaded:
    given = {"port": getattr(options, "port", None), "log_dir": getattr(options, "log_dir", None)}
    flags = {name: value for name, value in given.items() if value is not None}
    return load_settings(os.environ, dotenv_path=Path(".env"), flags=flags)


def _run(options: argparse.Namespace, loaded: Loaded) -> int:
    if options.command == "serve":
        from gateway import workers  # noqa: PLC0415 - see the module's docstring

        return workers.main(loaded)

    from gateway.commands.terminal import Terminal  # noqa: PLC0415

    terminal = Terminal()
    if options.command == "check":
        from gateway.commands import check  # noqa: PLC0415

        return check.run(loaded, terminal, show_all=options.all)
    if options.command == "migrate":
        from gateway.commands import migrate  # noqa: PLC0415

        return migrate.run(loaded, terminal, only_look=options.dry_run)
    if options.command == "config":
        return _run_config(options, loaded, terminal)
    if options.command == "secrets":
        from gateway.commands import secrets  # noqa: PLC0415

        return secrets.run(loaded, terminal, seal=options.action == "seal")
    from gateway.commands import ledger  # noqa: PLC0415

    if options.action == "parked":
        return ledger.parked(loaded, terminal, retry=options.retry)
    return ledger.verify(loaded, terminal, accept=options.accept)


def _run_config(options: argparse.Namespace, loaded: Loaded, terminal: Terminal) -> int:
    from gateway.commands import config  # noqa: PLC0415

    if options.action == "export":
        return config.export(loaded, terminal, file=options.file)
    if options.action == "plan":
        return config.plan(loaded, terminal, file=options.file, prune=options.prune)
    return config.apply(loaded, terminal, file=options.file, prune=options.prune, is_sure=options.yes)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="one-api",
        description="A gateway between programs that want language models and the providers that serve them.",
        epilog=f"Without a command it serves. {_EXIT_CODES}",
        allow_abbrev=False,
    )
    parser.add_argument("--version", "-version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_serve(commands, with_variables="serve" in words[:1])
    check = commands.add_parser(
        "check",
        help="show the configuration and try the databases and Redis",
        description="Show the settings that are in force, secrets hidden, and what is wrong with them: tries the "
        "databases and Redis, tells what a start would change in the database, and warns of risks. Changes nothing.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    check.add_argument("--all", action="store_true", help="show every setting, also those with their default")
    migrate = commands.add_parser(
        "migrate",
        help="bring the database up to date",
        description="Make an empty database ready, take over one that one-api left, or apply what a newer version "
        "of the gateway needs. Only adds, so that one-api can still open it. A start does the same, unless "
        "NODE_TYPE=slave. Make a backup first.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    migrate.add_argument("--dry-run", action="store_true", help="only list what is pending")
    _add_config(commands)
    _add_ledger(commands)
    _add_secrets(commands)
    commands.add_parser("version", help="print the version", description="Print the version.", allow_abbrev=False)
    return parser


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser], *, with_variables: bool) -> None:
    width = min(shutil.get_terminal_size().columns, 110)
    variables = "environment variables (also read from the file .env):\n\n" + as_text(width - 2)
    serve = commands.add_parser(
        "serve",
        help="serve requests (the default)",
        description="Serve until SIGTERM or SIGINT, then let running requests finish; a second signal ends them.",
        epilog=f"{variables if with_variables else ''}\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # One dash, too: that is how one-api's users may have written them.
    serve.add_argument("--version", "-version", action="store_true", help="print the version")
    serve.add_argument("--port", "-port", metavar="N", help="listen there, unless PORT is set (default 3000)")
    serve.add_argument("--log-dir", "-log-dir", metavar="DIR", help="folder of log files, unless LOG_DIR is set")


def _add_config(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    config = commands.add_parser(
        "config",
        help="the configuration as a file",
        description="Settings, groups and channels with their prices as YAML without secrets: written, compared, "
        "applied. What a file does not name stays as it is. May run beside a gateway that serves.",
        allow_abbrev=False,
    )
    actions = config.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for name, told, more in (
        ("export", "write it", "Keys and other secrets are left out."),
        ("plan", "tell what a file would change", "Changes nothing."),
        ("apply", "make what is in force like a file", "Shows the plan, asks, and does all of it or nothing."),
    ):
        action = actions.add_parser(
            name, help=told, description=f"{told.capitalize()}. {more}", epilog=_EXIT_CODES, allow_abbrev=False
        )
        if name == "export":
            action.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard output")
            continue
        action.add_argument("file", metavar="FILE", help="- for standard input")
        action.add_argument(
            "--prune", action="store_true", help="remove channels and groups that the file does not have"
        )
        if name == "apply":
            action.add_argument("--yes", action="store_true", help="do not ask")


def _add_ledger(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    ledger = commands.add_parser(
        "ledger",
        help="look after the books",
        description="Look after the books: the record of every change of a balance.",
        allow_abbrev=False,
    )
    actions = ledger.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    verify = actions.add_parser(
        "verify",
        help="compare balances with the books",
        description="Compare the balance of every user, token and channel with what was opened, plus the ledger, "
        "less what is reserved, and print each difference. May run beside a gateway that serves.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    verify.add_argument(
        "--accept",
        action="store_true",
        help="write a correction for each difference into the ledger, so that the balances of now are right "
        "(after somebody changed them in the database, or one-api ran on it)",
    )
    parked = actions.add_parser(
        "parked",
        help="list settlements that the database refused",
        description="List the settlements that the database refused on their own, each with why and what is missing: "
        "the charge, or only the rows of log, cost and trace. May run beside a gateway that serves.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    parked.add_argument(
        "--retry", action="store_true", help="do each of them again, exactly once, after the cause is gone"
    )


def _add_secrets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    secrets = commands.add_parser(
        "secrets",
        help="encrypt what channels keep secret",
        description="Rewrite the keys and configurations of all channels. What is saved while ENCRYPTION_KEYS is set "
        "is encrypted anyway; this is for what was saved before. May run beside a gateway that has the same secrets.",
        allow_abbrev=False,
    )
    actions = secrets.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for name, told in (
        ("seal", "encrypt with the first secret of ENCRYPTION_KEYS, also what another one of them encrypted"),
        ("open", "store in plain text, so that one-api can read it"),
    ):
        actions.add_parser(name, help=told, description=f"Rewrite: {told}.", epilog=_EXIT_CODES, allow_abbrev=False)


if __name__ == "__main__":
    sys.exit(main())
