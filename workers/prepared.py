"""What compilers are given to save them time: made once by the platform, of its own sources, never by a submission.

    FOLDER/cpp@17/KEY/files/...       what compile jails show read-only at `PREPARED_DIR`
    FOLDER/cpp@17/KEY/manifest.json   the SHA-256 of each of them
    FOLDER/new-*/                     being made; gets its name when it is whole

It is made in a jail like any compile, and written by the worker's user alone. The key is of all that it was made from
and by; what is missing, damaged or of another compiler is not used, and then the compiler does without.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain import placeholders
from domain.language import Choice, CompileStep, Preparation
from domain.languages import Languages
from domain.logging import logger
from domain.model import File
from sandbox import Cause, Collected, Command, Jails, Room, SandboxError
from workers.fill import fill
from workers.prepare import compile_limits, disk_bytes

MAX_FILES = 4096
MAX_BYTES = 512 * 1024 * 1024
FILES = "files"
MANIFEST = "manifest.json"

log = logger(__name__)


@dataclass(frozen=True)
class Wanted:
    """What may be prepared for one version of a language, and the folder where it is or will be."""

    choice: Choice
    step: CompileStep
    preparation: Preparation
    folder: Path

    @property
    def name(self) -> str:
        """The language with its version: `cpp@17`."""
        return f"{self.choice.language.name}@{self.choice.version}"


def wanted(root: Path, known: Languages, toolchains: Mapping[str, str]) -> Iterator[Wanted]:
    """List what can be prepared with the compilers that are here; `toolchains` identifies each, by language."""
    for language in known.known.values():
        step = language.compile
        if step is None or step.prepared is None or language.name not in toolchains:
            continue
        for version in language.versions:
            choice = Choice(language, version)
            key = _key(choice, step, toolchains[language.name])
            yield Wanted(choice, step, step.prepared, root.absolute() / f"{language.name}@{version}" / key)


def _key(choice: Choice, step: CompileStep, toolchain: str) -> str:
    made_from = (choice.language.name, choice.version, choice.flags, step, toolchain)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]


def find(root: Path, known: Languages, toolchains: Mapping[str, str]) -> dict[str, Path]:
    """Give the folders that are whole, by `language@version`; what is missing or damaged is logged and left out."""
    found = {}
    for one in wanted(root, known, toolchains):
        wrong = fault(one.folder)
        if wrong is None:
            found[one.name] = one.folder / FILES
        else:
            log.warning("not_prepared", language=one.name, fault=wrong, hint="run `python -m workers caches`")
    return found


def fault(folder: Path) -> str | None:
    """Say what is wrong with a folder; None where it holds exactly what its manifest tells of."""
    try:
        expected = json.loads((folder / MANIFEST).read_bytes())
        paths = [path for path in (folder / FILES).rglob("*") if not path.is_dir()]
        actual = {str(path.relative_to(folder / FILES)): _sha256(path) for path in paths}
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
    return None if actual == expected else "damaged"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make(sandbox: Jails, one: Wanted) -> None:
    """Make it anew, and take away what was there for another compiler. Raises SandboxError, OSError."""
    files = _made(sandbox, one)
    one.folder.parent.mkdir(parents=True, exist_ok=True)
    for above in (one.folder.parent.parent, one.folder.parent):  # whatever the umask
        above.chmod(0o755)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=one.folder.parent.parent))
    try:
        _write(new, files, one.preparation.hex_folders)
        for old in one.folder.parent.iterdir():  # of another compiler, or damaged; jails that show it keep it
            shutil.rmtree(old)
        new.rename(one.folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _made(sandbox: Jails, one: Wanted) -> Sequence[Collected]:
    """Do the work in a jail, under the compiler's own limits."""
    limits = compile_limits(one.step)
    sources = [File(path, text.encode()) for path, text in one.preparation.files.items()]
    size = disk_bytes(one.step.disk_mb, sources)
    with (
        sandbox.slot(1, Room(limits.memory_bytes)) as slot,
        sandbox.jail(slot, slot.held_to(limits), size, one.choice.language.mounts) as jail,
    ):
        fill(jail.box, sources)
        result = jail.run(_command(one), limits)
        if result.cause is not Cause.EXIT or result.exit_code != 0:
            said = (result.stdout + result.stderr).decode(errors="replace")[-500:]
            raise SandboxError(f"{one.name} cannot be prepared: {result.cause}, exit code {result.exit_code}: {said}")
        found = jail.box.collect(
            one.preparation.outputs, max_files=MAX_FILES, max_file_bytes=MAX_BYTES, max_bytes=MAX_BYTES
        )
    if not found.files or found.cut or any(file.truncated for file in found.files):
        raise SandboxError(f"{one.name} cannot be prepared: its compiler left nothing, or too much")
    return found.files


def _command(one: Wanted) -> Command:
    step, values = one.preparation.step, {"cpus": "1"}
    argv = placeholders.expand(step.argv, {"flags": one.choice.flags}, values)
    return Command(tuple(argv), step.seccomp, placeholders.environment(step.env, values))


def _write(folder: Path, files: Sequence[Collected], hex_folders: str) -> None:
    """Write files that everybody may read: jails run as users of their own."""
    folder.chmod(0o755)
    for file in files:
        path = folder / FILES / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o444)
    if hex_folders:
        for number in range(256):
            (folder / FILES / hex_folders / f"{number:02x}").mkdir(exist_ok=True)
    for inner in (folder / FILES, *(folder / FILES).rglob("*/")):
        if inner.is_dir():
            inner.chmod(0o755)
    hashes = {file.path: hashlib.sha256(file.content).hexdigest() for file in files}
    (folder / MANIFEST).write_text(json.dumps(hashes))
