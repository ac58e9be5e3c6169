#!/usr/bin/python3
"""`shipd-backup`: backups of PostgreSQL. docs/operations.md ("Backup and restore") tells how it is used.

It needs Python's standard library and PostgreSQL's own programs, and runs as the user who owns the server's files.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import backup_check
import backup_store
from backup_store import BackupError, Store

FOLDER = "/var/backups/shipd"


def main(words: Sequence[str]) -> int:
    """Do what the words say; 0: done, 1: not, and stderr says why."""
    own, then = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    asked = _parser().parse_args(own)
    asked.then = then
    try:
        _do(Store(asked.folder.absolute(), asked.programs), asked)
    except (BackupError, OSError) as error:
        print(f"shipd-backup: {error}", file=sys.stderr)
        return 1
    return 0


def _do(store: Store, asked: argparse.Namespace) -> None:
    match asked.command:
        case "archive":
            backup_store.archive(store, asked.path, asked.name)
        case "fetch":
            backup_store.fetch(store, asked.name, asked.path)
        case "receive":
            backup_store.receive(store, asked.dbname, asked.slot)
        case "create":
            _say({"created": backup_store.create(store, asked.dbname)})
        case "prune":
            _say({"removed": backup_store.prune(store, asked.keep)})
        case "list":
            _say({"backups": store.names()})
        case "restore":
            _say({"restored": backup_store.restore(store, asked.name, asked.to, asked.until).name})
        case "verify":
            _say(backup_check.verify(store, asked.name, asked.user, asked.database, asked.then))


def _say(what: object) -> None:
    print(json.dumps(what))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shipd-backup", description="Backups of PostgreSQL.", allow_abbrev=False)
    parser.add_argument("--folder", type=Path, default=Path(FOLDER), help=f"where backups are; default {FOLDER}")
    parser.add_argument("--programs", type=Path, help="the folder with PostgreSQL's programs; default: those of PATH")
    commands = parser.add_subparsers(dest="command", required=True)

    archive = commands.add_parser("archive", help="keep a finished piece of the log: archive_command, with %%p %%f")
    archive.add_argument("path", type=Path)
    archive.add_argument("name")
    fetch = commands.add_parser("fetch", help="give it back: restore_command, with %%f %%p")
    fetch.add_argument("name")
    fetch.add_argument("path", type=Path)
    receive = commands.add_parser("receive", help="keep the log as it is written, from here or another machine")
    receive.add_argument("--slot", default="shipd_backup")
    create = commands.add_parser("create", help="make a base backup, and verify it")
    for one in (receive, create):
        one.add_argument("--dbname", default="", help="how the server is reached, as libpq has it: host=... user=...")
    prune = commands.add_parser("prune", help="remove old base backups, and the log before those that stay")
    prune.add_argument("--keep", type=_at_least_one, required=True, help="how many stay")
    commands.add_parser("list", help="name the base backups, newest first")
    restore = commands.add_parser("restore", help="put a backup into an empty folder, for a server to start on")
    restore.add_argument("--to", type=Path, required=True, help="the folder")
    restore.add_argument("--until", help="a moment to stop at, as PostgreSQL reads it: 2026-11-26 08:00:00+00")
    verify = commands.add_parser("verify", help="restore it for a moment and look; -- COMMAND is run with DATABASE_URL")
    verify.add_argument("--user", default="postgres", help="a superuser of the server")
    verify.add_argument("--database", default="shipd")
    for one in (restore, verify):
        one.add_argument("--name", help="which base backup; default: the newest")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one must stay")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
