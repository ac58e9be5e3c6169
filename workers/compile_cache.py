"""Compile what was not compiled before: the same sources for the same compiler in the same way are compiled once.

The key is of everything that decides what a compiler leaves, and of nothing else: whose submission it is does not
matter. Kept is what compiled, and what the compiler refused by itself (`exit:N`); never what ran out of time, memory or
room, for that may go another way next time.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from domain import __version__
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import Cache, CompileCache, File, RunTelemetry, Usage
from workers.compile import Compiled, CompileError
from workers.prepare import Plan

MAX_BYTES = 64 * 1024 * 1024
"""The largest artifact that is kept."""
FORMAT = 1
"""Counts up whenever what is kept, or how, changes."""
_LENGTH_BYTES = 8

log = logger(__name__)


class Store(Protocol):
    """Where it is kept: `domain.compiled`."""

    def find(self, key: bytes) -> bytes | None:
        """Give what was kept under a key, whole; None where there is none. Raises Unavailable, OSError."""

    def keep(self, key: bytes, data: bytes) -> None:
        """Keep it. Raises Unavailable, OSError."""


@dataclass(frozen=True)
class Compiler:
    """Compiles through the cache; `prepared` and `toolchains` are this host's, by language (with version)."""

    store: Store | None
    toolchains: Mapping[str, str]
    prepared: Mapping[str, Path]

    def folder(self, plan: Plan) -> Path | None:
        """What was prepared for this language and version."""
        return self.prepared.get(f"{plan.language.name}@{plan.choice.version}")

    def compile(self, plan: Plan, anew: Callable[[], Compiled]) -> Compiled:
        """Take what was compiled before, or do it now and keep it; sources as they are where nothing is compiled.

        Raises CompileError, and what `anew` raises.
        """
        if plan.language.compile is None:
            return Compiled(plan.submission.sources)
        toolchain = self.toolchains.get(plan.language.name)
        if self.store is None or toolchain is None or plan.submission.cache is Cache.NONE:
            return anew()
        key = key_of(plan, toolchain)
        found = _found(self.store, key)
        if isinstance(found, CompileError):
            raise found
        return found if found is not None else _compiled(self.store, key, anew)

    def kept(self, plan: Plan) -> Compiled | None:
        """Give what was compiled before, or is not compiled at all; None where it was not."""
        if plan.language.compile is None:
            return Compiled(plan.submission.sources)
        toolchain = self.toolchains.get(plan.language.name)
        if self.store is None or toolchain is None or plan.submission.cache is Cache.NONE:
            return None
        found = _found(self.store, key_of(plan, toolchain))
        return found if isinstance(found, Compiled) else None


NO_CACHE = Compiler(None, {}, {})


def key_of(plan: Plan, toolchain: str) -> bytes:
    """Hash what decides: sources (paths, contents, modes), entry point, command, environment, limits, compiler."""
    command = plan.compile_command()
    decides = {
        "format": FORMAT,
        "platform": __version__,
        "toolchain": toolchain,
        "language": repr(plan.language),
        "version": plan.choice.version,
        "entry": [plan.entry, plan.submission.entry_point],
        "command": [list(command.argv), command.environment, command.policy] if command is not None else None,
        "sources": [[file.path, file.mode, hashlib.sha256(file.content).hexdigest()] for file in plan.compiled_files],
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).digest()


def _found(store: Store, key: bytes) -> Compiled | CompileError | None:
    try:
        data = store.find(key)
        return unpacked(key, data) if data is not None else None
    except (Unavailable, OSError, ValueError) as error:
        log.warning("compile_cache_unread", error=str(error))
        return None


def _compiled(store: Store, key: bytes, anew: Callable[[], Compiled]) -> Compiled:
    try:
        made = replace(anew(), cache=CompileCache.MISS)
    except CompileError as error:
        error.cache = CompileCache.MISS
        if error.reason.startswith("exit:") and error.by_itself:
            _keep(store, key, error)
        raise
    _keep(store, key, made)
    return made


def _keep(store: Store, key: bytes, made: Compiled | CompileError) -> None:
    data = packed(key, made)
    if len(data) > MAX_BYTES:
        return
    try:
        store.keep(key, data)
    except (Unavailable, OSError) as error:
        log.warning("compile_cache_unwritten", error=str(error))


def packed(key: bytes, made: Compiled | CompileError) -> bytes:
    """Put all of it into one blob: the length of a JSON head, the head, then the contents one after another.

    The nonce makes every blob one of a kind, so that it can be deleted with its row.
    """
    files = made.files if isinstance(made, Compiled) else ()
    output = made.output or b""
    head = {
        "key": key.hex(),
        "nonce": secrets.token_hex(16),
        "files": [[file.path, file.mode, len(file.content)] for file in files],
        "output_bytes": None if made.output is None else len(output),
        "telemetry": asdict(made.telemetry) if made.telemetry is not None else None,
        "usage": asdict(made.usage) if made.usage is not None else None,
        **(
            {"main_class": made.main_class, "prepared": made.prepared}
            if isinstance(made, Compiled)
            else {"reason": made.reason, "message": made.message}
        ),
    }
    text = json.dumps(head).encode()
    return b"".join([len(text).to_bytes(_LENGTH_BYTES), text, output, *(file.content for file in files)])


def unpacked(key: bytes, data: bytes) -> Compiled | CompileError:
    """Read such a blob. Raises ValueError for one that is not, or of another key."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES])
    head = json.loads(data[_LENGTH_BYTES:start])
    if head["key"] != key.hex():
        raise ValueError("what was kept is of another key")
    output_end = start + (head["output_bytes"] or 0)
    output = None if head["output_bytes"] is None else data[start:output_end]
    usage = Usage(**head["usage"]) if head["usage"] is not None else None
    telemetry = RunTelemetry(**head["telemetry"]) if head["telemetry"] is not None else None
    if "reason" in head:
        if usage is None or telemetry is None:
            raise ValueError("what was kept of a failed compile lacks what it spent")
        return CompileError(head["reason"], output or b"", telemetry, usage, head["message"], cache=CompileCache.HIT)
    files, position = [], output_end
    for path, mode, size in head["files"]:
        files.append(File(path, data[position : position + size], mode))
        position += size
    if position != len(data):
        raise ValueError("what was kept is not as long as its head says")
    return Compiled(
        tuple(files), head["main_class"], output, telemetry, usage, prepared=head["prepared"], cache=CompileCache.HIT
    )
