"""Reads a language from its file, `jail-configs/languages/<name>.toml`."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from domain.ahead import read_ahead
from domain.file import File
from domain.language import CompileStep, Language, Preparation, Step, SuiteHarness


def read(path: Path) -> Language:
    """Read one language file. Raises ValueError that names the file and what is wrong in it."""
    try:
        return _language(tomllib.loads(path.read_text()), path.parent.parent / "harness")
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error!r}") from error


def _language(data: dict[str, object], harnesses: Path) -> Language:
    table = dict(data)
    compiled = table.pop("compile", None)
    run = table.pop("run")
    harness, suites = table.pop("harness", None), table.pop("suites", None)
    language = Language(
        run=_step(run),
        compile=_compile_step(compiled) if compiled is not None else None,
        harness=None if harness is None else File(str(harness), (harnesses / str(harness)).read_bytes()),
        suites=None if suites is None else _suites(suites, harnesses / "suites"),
        versions={name: _strings(flags) for name, flags in _table(table.pop("versions")).items()},
        **{name: _strings(value) if isinstance(value, list) else value for name, value in table.items()},  # type: ignore[arg-type]
    )
    if language.default_version not in language.versions:
        raise ValueError(f"default_version {language.default_version!r} is not among the versions")
    if language.source_scope not in {"tree", "entry_dir", "entry"}:
        raise ValueError(f"unknown source_scope {language.source_scope!r}")
    return language


def _suites(value: object, folder: Path) -> SuiteHarness:
    table = _table(value)
    frameworks, *ends = (_strings(table.pop(name)) for name in ("frameworks", "tests", "program"))
    linked, needs = table.pop("linked", False) is True, _strings(table.pop("needs", []))
    run = _step(table.pop("run")) if "run" in table else None
    if table:
        raise ValueError(f"unknown in suites: {sorted(table)}")
    tests, program = (tuple(File(name, (folder / name).read_bytes()) for name in end) for end in ends)
    return SuiteHarness(frameworks, tests, program, linked, needs, run)


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
