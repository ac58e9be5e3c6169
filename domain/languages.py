"""Languages as data: `jail-configs/languages/<name>.toml`, read once (pure but for that).

A language says how its sources are named, compiled and run; adding one is one file here and one golden directory in
`tests/problems/`. Argument lists hold placeholders: an element that is exactly `{sources}`, `{flags}` or
`{arguments}` stands for a list; within any element `{entry}`, `{main_class}`, `{memory_mb}`, `{cpus}` stand for one
value (`{entry_dir}` is the entry point's folder, `.` for the root). The values stand in environments too. Nothing is
ever given to a shell.
"""

import fnmatch
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from domain.ahead import Ahead, read_ahead
from domain.errors import InvalidRequest, Problem
from domain.model import File

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


ARGUMENTS = "{arguments}"
"""In an argument list: the program's own arguments."""


@dataclass(frozen=True)
class Step:
    """What is run in a jail: argument list, extra environment, and the name of its seccomp policy."""

    argv: tuple[str, ...]
    seccomp: str
    env: Mapping[str, str] = field(default_factory=dict)
    interpreter: str | None = None
    """Of `jail-configs/interpreters/`: what `argv` starts can be started before the program is known."""
    ahead: Ahead | None = None
    """How what `argv` starts can be started before the program is there, without a hook."""

    def __post_init__(self) -> None:
        if self.interpreter is not None and (not self.argv or self.argv[-1] != ARGUMENTS):
            raise ValueError(f"argv must end with {ARGUMENTS} where an interpreter is started ahead")


@dataclass(frozen=True)
class Preparation:
    """What is made once, of sources that come with the platform, and shown read-only to compilers to save them time.

    `{prepared_dir}` in `flags` and `env` is the folder where a compile jail shows it.
    """

    step: Step
    outputs: tuple[str, ...]
    """Globs of what is kept."""
    files: Mapping[str, str]
    """The platform's own sources, by path."""
    flags: tuple[str, ...] = ()
    """What `{prepared}` in the compiler's argument list stands for where it is there; nothing where it is not."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Takes the place of the compile step's variables of the same names."""
    hex_folders: str = ""
    """A folder that must have the 256 folders 00 to ff, filled or not: go's cache makes them first of all."""
    begins_with: str = ""
    """A regular expression: used only where every source that the compiler is given begins so."""
    repeat_failed: bool = False
    """Whether a compiler that failed with it is asked again without: its words could differ in a detail."""


@dataclass(frozen=True)
class CompileStep:
    """How sources become an artifact, and what that may spend (fixed per language, not by the submission)."""

    step: Step
    outputs: tuple[str, ...]
    """Globs of what is carried to the run box; `**` crosses folders."""
    with_file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Another argument list where the tree has this file (`go.mod`)."""
    cpu_time_ms: int = 30_000
    wall_time_ms: int = 60_000
    memory_mb: int = 2048
    output_kb: int = 64
    processes: int = 128
    disk_mb: int = 256
    prepared: Preparation | None = None


@dataclass(frozen=True)
class Language:
    """One language; `versions` maps what may stand behind `@` to the flags it means."""

    name: str
    title: str
    main_file: str
    sources: tuple[str, ...]
    """Patterns of file names that are handed to the compiler."""
    source_scope: str
    """`tree`: all of them; `entry_dir`: those beside the entry point; `entry`: that one alone."""
    needs_entry: bool
    default_version: str
    versions: Mapping[str, tuple[str, ...]]
    version_argv: tuple[str, ...]
    install: str
    """The Debian command that installs it."""
    run: Step
    compile: CompileStep | None = None
    main_class: bool = False
    """Whether the program to start is found in the compiled class files (Java)."""
    extra_processes: int = 0
    """Threads that the runtime itself needs, on top of `processes`."""
    mounts: tuple[str, ...] = ()
    """Folders of the host that its jails show read-only, beside /usr, /lib, /lib64 and /bin."""


@dataclass(frozen=True)
class Choice:
    """A language with the version asked for."""

    language: Language
    version: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that the version means."""
        return self.language.versions[self.version]


class Languages:
    """All languages by name."""

    def __init__(self, known: Mapping[str, Language]) -> None:
        self.known = known

    @classmethod
    def load(cls, folder: Path) -> "Languages":
        """Read every `*.toml` of `folder`. Raises ValueError naming the file that is wrong."""
        found = [read(path) for path in sorted(folder.glob("*.toml"))]
        if not found:
            raise ValueError(f"no language files in {folder}")
        return cls({language.name: language for language in found})

    def choose(self, asked: str) -> Choice:
        """Find `name` or `name@version`. Raises InvalidRequest naming what there is."""
        name, _, version = asked.partition("@")
        language = self.known.get(name)
        if language is None:
            hint = "use one of " + ", ".join(sorted(self.known))
            raise InvalidRequest(Problem("language", f"unknown language {name!r}", hint))
        version = version or language.default_version
        if version not in language.versions or asked.endswith("@"):
            hint = "use one of " + ", ".join(f"{name}@{v}" for v in language.versions)
            raise InvalidRequest(Problem("language", f"{name} has no version {asked.partition('@')[2]!r}", hint))
        return Choice(language, version)


def read(path: Path) -> Language:
    """Read one language file. Raises ValueError that names the file and what is wrong in it."""
    try:
        return _language(tomllib.loads(path.read_text()))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error!r}") from error


def _language(data: dict[str, object]) -> Language:
    table = dict(data)
    compiled = table.pop("compile", None)
    run = table.pop("run")
    language = Language(
        run=_step(run),
        compile=_compile_step(compiled) if compiled is not None else None,
        versions={name: _strings(flags) for name, flags in _table(table.pop("versions")).items()},
        **{name: _strings(value) if isinstance(value, list) else value for name, value in table.items()},  # type: ignore[arg-type]
    )
    if language.default_version not in language.versions:
        raise ValueError(f"default_version {language.default_version!r} is not among the versions")
    if language.source_scope not in {"tree", "entry_dir", "entry"}:
        raise ValueError(f"unknown source_scope {language.source_scope!r}")
    return language


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"expected a table, found {value!r}")
    return dict(value)


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"expected a list of strings, found {value!r}")
    return tuple(value)


def _step(value: object) -> Step:
    table = _table(value)
    env = {name: str(text) for name, text in _table(table.get("env", {})).items()}
    interpreter = table.get("interpreter")
    if interpreter is not None and not isinstance(interpreter, str):
        raise TypeError(f"interpreter must be a name, not {interpreter!r}")
    return Step(_strings(table["argv"]), str(table["seccomp"]), env, interpreter, read_ahead(table.get("ahead")))


def _compile_step(value: object) -> CompileStep:
    table = _table(value)
    step = _step({name: table.pop(name) for name in ("argv", "seccomp", "env") if name in table})
    with_file = {name: _strings(argv) for name, argv in _table(table.pop("with_file", {})).items()}
    outputs = _strings(table.pop("outputs"))
    prepared = _preparation(table.pop("prepared"), step) if "prepared" in table else None
    return CompileStep(step=step, outputs=outputs, with_file=with_file, prepared=prepared, **table)  # type: ignore[arg-type]


def _preparation(value: object, compile_step: Step) -> Preparation:
    """Read what is made beforehand: by the compiler, so under its policy and in its environment unless it says more."""
    table = _table(value)
    made = _step({"seccomp": compile_step.seccomp, **{n: table.pop(n) for n in ("argv", "seccomp") if n in table}})
    own = {name: str(text) for name, text in _table(table.pop("make_env", {})).items()}
    lists = {name: _strings(table.pop(name, [])) for name in ("outputs", "flags")}
    texts = {name: {k: str(v) for k, v in _table(table.pop(name, {})).items()} for name in ("files", "env")}
    begins_with = re.compile(str(table.pop("begins_with", ""))).pattern
    step = replace(made, env={**compile_step.env, **own})
    return Preparation(step, begins_with=begins_with, **lists, **texts, **table)  # type: ignore[arg-type]


def entry_point(
    language: Language, sources: Sequence[File], asked: str | None, filename: str | None = None
) -> str | None:
    """Say which source the program starts at: as asked, else the main file, else `filename`, else the only source.

    None where the language takes the whole tree. Raises InvalidRequest for one that is not among the sources, or
    where there is more than one to choose from.
    """
    paths = [file.path for file in sources]
    if asked is not None and asked not in paths:
        hint = "name one of the sources: " + ", ".join(paths[:10])
        raise InvalidRequest(Problem("entry_point", f"{asked!r} is not among the sources", hint))
    if asked is not None or not language.needs_entry:
        return asked
    for name in (language.main_file, filename):
        if name in paths:
            return name
    if choices := _only_choices(language, paths):
        return choices[0]
    hint = f"set entry_point, or name one file {language.main_file}"
    raise InvalidRequest(Problem("entry_point", "several sources and none is the main file", hint))


def _only_choices(language: Language, paths: Sequence[str]) -> list[str]:
    """List what leaves no doubt though nobody named it, the surest first."""
    of_language = [path for path in paths if _is_source(language, path)]
    named_main = [path for path in paths if PurePosixPath(path).name == language.main_file]
    folders = {PurePosixPath(path).parent for path in of_language}
    # Where the compiler takes all the sources of one folder, each of them leads to the same program.
    same_program = of_language[:1] if language.source_scope == "entry_dir" and len(folders) == 1 else []
    alone = [choice[0] for choice in (paths, of_language, named_main) if len(choice) == 1]
    return [*alone, *same_program]


def _is_source(language: Language, path: str) -> bool:
    return any(fnmatch.fnmatchcase(PurePosixPath(path).name, pattern) for pattern in language.sources)


def compiler_sources(language: Language, sources: Sequence[File], entry: str | None) -> list[str]:
    """List what the compiler is given, as `./name` so that no file name can be taken for an option."""
    paths = [file.path for file in sources]
    if language.source_scope == "entry":
        return [f"./{path}" for path in paths if path == entry]
    if language.source_scope == "entry_dir":
        folder = PurePosixPath(entry or "").parent
        paths = [path for path in paths if PurePosixPath(path).parent == folder]
    return [f"./{path}" for path in paths if _is_source(language, path)]


def compile_step(language: Language, sources: Sequence[File]) -> Step | None:
    """Say how this tree is compiled: as a module where one of `with_file` is there. None where nothing is compiled."""
    if language.compile is None:
        return None
    step, paths = language.compile.step, {file.path for file in sources}
    for name, argv in language.compile.with_file.items():
        if name in paths:
            return replace(step, argv=argv)
    return step


def expand(argv: Sequence[str], lists: Mapping[str, Sequence[str]], values: Mapping[str, str]) -> list[str]:
    """Fill the placeholders of an argument list: whole elements from `lists`, parts of elements from `values`.

    What is filled in is never looked at again: a file may be called `{memory_mb}`.
    """
    result: list[str] = []
    for element in argv:
        name = element[1:-1] if element.startswith("{") and element.endswith("}") else ""
        result.extend(lists[name] if name in lists else [_filled(element, values)])
    return result


def environment(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """Give what the step adds to a jail's environment, its placeholders filled."""
    return {name: _filled(text, values) for name, text in step.env.items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    if "entry" in values:
        values = {"entry_dir": str(PurePosixPath(values["entry"]).parent), **values}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
