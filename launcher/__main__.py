"""Reads the command line of `./stillair` and hands over to the command."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from contract.settings import HOST, PORT
from launcher import audit, demo, doctor, handover, sbom, test
from launcher.console import Console
from launcher.problem import Problem
from launcher.run import service, up
from launcher.settings import LIVEKIT_SERVER, Settings
from launcher.setup import installation, lock

INTERRUPTED = 130  # 128 + SIGINT, as shells say it


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] in handover.COMMANDS:  # argparse would take the options for its own
            handover.become(arguments[0], arguments[1:], Console(sys.stderr))
        return _run(_parser().parse_args(arguments), Console())
    except Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        full = Problem(f"The disk is full ({error.filename or 'while writing'}).", "make room, then run this again.")
        print(f"\n{full}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace, console: Console) -> int:
    if options.command == "test":
        return test.test(options.part, console)
    if options.command == "install":
        installation.prepare(LIVEKIT_SERVER.read_optional(os.environ), console)
        return 0
    if options.command == "lock":
        lock.lock(console)
        return 0
    if options.command == "audit":
        return audit.audit(console, database=options.database)
    if options.command == "sbom":
        print(sbom.sbom(), end="")
        return 0
    settings = Settings.of(data=options.data, host=options.host, port=options.port, environment=os.environ)
    if options.command == "demo":
        return demo.demo(settings, console, force=options.force)
    if options.command == "doctor":
        return doctor.doctor(settings, console)
    if options.command == "service":
        service.become(options.name, settings)
    up.up(settings, console)
    return 0


def _parser() -> argparse.ArgumentParser:
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--port", type=int, help=f"of the pages; four more follow (default: {PORT.default})")
    place.add_argument("--host", help=f"address to listen on (default: {HOST.default}, this machine only)")
    place.add_argument("--data", type=Path, help="folder of accounts, recordings and logs (default: data beside ./stillair)")

    parser = argparse.ArgumentParser(prog="stillair", description="Be on air for your friends, without the noise around you.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", parents=[place], help="install what is missing and start; Ctrl-C stops")
    commands.add_parser("install", help="install what is missing, and start nothing")
    commands.add_parser("doctor", parents=[place], help="check this machine and say what to fix")
    parser_of_demo = commands.add_parser("demo", parents=[place], help="make three demo people who are friends")
    parser_of_demo.add_argument("--force", action="store_true", help="also in a data folder that people already use")
    parser_of_test = commands.add_parser("test", help="install what tests need, and run them")
    parser_of_test.add_argument("part", nargs="?", choices=test.PARTS, help="only this part (default: lint, types and all tests)")
    for name, words in handover.COMMANDS.items():
        commands.add_parser(name, help=words, add_help=False).add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("lock", help="write the lock files anew after a change of pyproject.toml")
    parser_of_audit = commands.add_parser(
        "audit", help="ask a database whether vulnerabilities are known of what this is made of"
    )
    parser_of_audit.add_argument("--database", default=audit.DATABASE, help="address of OSV (default: %(default)s)")
    commands.add_parser("sbom", help="print the list of everything that this is made of (CycloneDX)")
    parser_of_service = commands.add_parser("service", parents=[place], help="become one of the programs (for containers)")
    parser_of_service.add_argument("name", choices=service.NAMES)
    return parser


if __name__ == "__main__":
    sys.exit(main())
