"""What a language is (pure): how its sources are named, compiled and run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.ahead import Ahead
from domain.file import File
from domain.placeholders import ARGUMENTS


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
class SuiteHarness:
    """Both ends of the line between unit tests and a program; of each the first file is what is run."""

    frameworks: tuple[str, ...]
    tests: tuple[File, ...]
    program: tuple[File, ...]
    linked: bool = False
    """Whether tests and program are compiled into one executable: then the first file of `program` builds it."""
    needs: tuple[str, ...] = ()
    """Files of the host, below /usr, that a worker must have to build them."""
    run: Step | None = None
    """What is run of that which was built; None: as without tests."""


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
    suites: SuiteHarness | None = None
    """How its programs are tested; None: no framework's tests can be run against them."""
    harness: File | None = None
    """What calls a function of the sources in the program's place; None: it has no function problems."""


@dataclass(frozen=True)
class Choice:
    """A language with the version asked for."""

    language: Language
    version: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that the version means."""
        return self.language.versions[self.version]
