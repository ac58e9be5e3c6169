"""Packages of both formats as versions of problems."""

from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.errors import InvalidRequest
from domain.judging import CheckerType, Protocol
from domain.limits import Range, Ranges
from domain.packages import reading
from domain.payload import INLINE_BYTES, Payload
from domain.verdict import Verdict
from tests.unit.domain.packages.trees import CURRENT, HELLO, VALIDATOR, Files, read, told, tree


def refused(files: Files, folder: Path) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(files, folder)
    return str(caught.value)


def test_it_reads_the_smallest_package(tmp_path: Path) -> None:
    version = read(HELLO, tmp_path).version
    assert (version.id, version.title) == ("hello", "Hello")
    assert [(case.name, case.is_hidden) for case in version.test_cases] == [("sample/1", False), ("secret/2", True)]
    assert version.test_cases[1].stdin == version.test_cases[1].expected_stdout == Payload(inline=b"2\n")
    assert version.checker.type is CheckerType.KATTIS
    assert [(one.path, one.program.language, one.expected) for one in version.examples] == [
        ("accepted/echo.py", "python", (Verdict.AC,))
    ]
    assert version.stop_on_first_failure
    assert not version.needs_check


def test_long_data_goes_to_the_blob_store_and_short_data_does_not(tmp_path: Path) -> None:
    long = b"7\n" * INLINE_BYTES
    version = read({**HELLO, "data/secret/3.in": long, "data/secret/3.ans": long}, tmp_path).version
    case = version.test_cases[-1]
    assert case.stdin.inline is None
    assert case.stdin == case.expected_stdout
    assert len(list((tmp_path / "blobs").glob("??/??/*"))) == 1


# Limits.


def test_what_is_not_said_is_what_judges_of_the_format_have(tmp_path: Path) -> None:
    imported = read(HELLO, tmp_path)
    spent = imported.version.constraints
    assert (spent.timeout_ms, spent.memory_mb, spent.output_kb) == (10_000, 2048, 8192)
    assert spent.wall_limit_ms() == 21_000
    assert not imported.time_limit_stated
    assert "10 s" in told(imported, "time limit")[0]


@pytest.mark.parametrize(
    ("files", "expected_ms"),
    [
        ({"problem.yaml": CURRENT + "limits: {time_limit: 1.5}"}, 1500),
        ({"problem.yaml": "limits: {time_limit: 2}"}, 2000),
        ({".timelimit": "3\n"}, 3000),
        ({"domjudge-problem.ini": "probid='A'\ntimelimit='4'\ncolor='#fff'\n"}, 4000),
        ({"domjudge-problem.ini": "timelimit = 0.5"}, 500),
        ({"problem.yaml": "limits: {time_limit: 2}", ".timelimit": "9"}, 2000),
    ],
)
def test_a_time_limit_may_stand_in_several_places(files: Files, expected_ms: int, tmp_path: Path) -> None:
    imported = read({**HELLO, **files}, tmp_path)
    assert imported.version.constraints.timeout_ms == expected_ms
    assert imported.time_limit_stated


def test_a_time_limit_that_was_found_stands_for_one_that_is_not_said(tmp_path: Path) -> None:
    assert read(HELLO, tmp_path, timeout_ms=2000).version.constraints.timeout_ms == 2000
    said = {**HELLO, ".timelimit": "3"}
    assert read(said, tmp_path, timeout_ms=2000).version.constraints.timeout_ms == 3000


def test_limits_are_read_and_unknown_ones_reported(tmp_path: Path) -> None:
    text = "limits:\n  memory: 512\n  output: 4\n  code: 64\n  validation_time: 30\n  colour: red\n"
    imported = read({**HELLO, "problem.yaml": text}, tmp_path)
    assert (imported.version.constraints.memory_mb, imported.version.constraints.output_kb) == (512, 4096)
    assert told(imported, "limits") == [
        "left out: unknown keys colour",
        "the platform's own hold for code, validation_time",
    ]
    assert imported.version.metadata["limits"] == {"code": "64", "validation_time": "30"}


def test_a_deployment_grants_what_it_has(tmp_path: Path) -> None:
    imported = reading.read(
        tree(HELLO), "hello", FolderBlobs(tmp_path / "blobs"), ranges=Ranges(memory_mb=Range(256, 4, 1024))
    )
    assert imported.version.constraints.memory_mb == 1024
    assert "1024" in told(imported, "limits.memory")[0]


@pytest.mark.parametrize("said", ["time_limit: -1", "time_limit: 0", "memory: much", "time_limit: nan", "output: inf"])
def test_limits_that_are_none_are_refused(said: str, tmp_path: Path) -> None:
    assert "problem.yaml: limits" in refused({**HELLO, "problem.yaml": f"limits: {{{said}}}"}, tmp_path)


@pytest.mark.parametrize(
    ("limits", "slowest_ms", "expected_ms"),
    [
        ("", 130, 1000),
        ("", 210, 2000),
        ("limits: {time_multiplier: 2}", 600, 2000),
        (CURRENT, 510, 2000),
        (CURRENT, 500, 1000),
        (CURRENT + "limits: {time_multipliers: {ac_to_time_limit: 3}, time_resolution: 0.5}", 400, 1500),
    ],
)
def test_a_time_limit_follows_from_the_slowest(limits: str, slowest_ms: int, expected_ms: int) -> None:
    inference = reading.inferred(tree({**HELLO, "problem.yaml": limits}))
    assert inference.timeout_ms(slowest_ms) == expected_ms


# What is said of the problem.


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("name: Hello", "Hello"),
        ("name: {en: Hello, sv: Hej}", "Hello"),
        ("name: {sv: Hej}", "Hej"),
        ("name: 12", "12"),
        ("license: cc0", "hello"),
    ],
)
def test_names(said: str, title: str, tmp_path: Path) -> None:
    assert read({**HELLO, "problem.yaml": said}, tmp_path).version.title == title


def test_a_name_may_stand_in_the_statement_alone(tmp_path: Path) -> None:
    files = {**HELLO, "problem.yaml": "license: cc0", "problem_statement/problem.en.tex": "\\problemname{The $x^{2}$}"}
    assert read(files, tmp_path).version.title == "The $x^{2}$"


def test_what_is_told_of_a_problem_is_kept(tmp_path: Path) -> None:
    text = CURRENT + "credits: {authors: [A, B]}\nsource: {name: NCPC, url: https://x.example}\nlicense: cc by-sa\n"
    text += "rights_owner:\nkeywords: [graph, dp]\nuuid: 1-2\nhat: red\n"
    imported = read({**HELLO, "problem.yaml": text}, tmp_path)
    assert imported.version.metadata == {
        "credits": {"authors": ["A", "B"]},
        "source": {"name": "NCPC", "url": "https://x.example"},
        "license": "cc by-sa",
        "keywords": ["graph", "dp"],
        "uuid": "1-2",
        "time_limit_stated": False,
    }
    assert told(imported, "problem.yaml") == ["left out: unknown keys hat"]


def test_languages(tmp_path: Path) -> None:
    assert read({**HELLO, "problem.yaml": CURRENT + "languages: all"}, tmp_path).version.languages == ()
    imported = read({**HELLO, "problem.yaml": CURRENT + "languages: [python3, kotlin, cpp]"}, tmp_path)
    assert imported.version.languages == ("python", "cpp")
    assert told(imported, "languages") == ["left out: nobody here runs kotlin"]
    assert "none that runs here" in refused({**HELLO, "problem.yaml": "languages: [kotlin]"}, tmp_path)


# Who judges.


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ("validator_flags: float_tolerance 1E-6", ("float_tolerance", "1E-6")),
        ("validator_flags: 'case_sensitive  space_change_sensitive'", ("case_sensitive", "space_change_sensitive")),
        ("validator_flags:", ()),
    ],
)
def test_flags_of_the_default_validator(said: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    version = read({**HELLO, "problem.yaml": said}, tmp_path).version
    assert {case.checker_arguments for case in version.test_cases} == {flags}


def test_flags_that_the_default_validator_does_not_know_are_reported(tmp_path: Path) -> None:
    imported = read({**HELLO, "problem.yaml": "validator_flags: case_sensitive --what float_tolerance"}, tmp_path)
    assert imported.version.test_cases[0].checker_arguments == ("case_sensitive",)
    assert len(told(imported, "validator_flags")) == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("output_validators/validate.py", "validation: custom"),
        ("output_validators/v/validate.py", "validation: custom"),
        ("output_validator/validate.py", CURRENT),
        ("output_validator/v/validate.py", CURRENT),
        ("output_validators/validate.py", CURRENT + "validation: custom"),
    ],
)
def test_a_validator_of_ones_own(path: str, said: str, tmp_path: Path) -> None:
    version = read({**HELLO, "problem.yaml": said, path: VALIDATOR}, tmp_path).version
    assert version.checker.type is CheckerType.PROGRAM
    assert version.checker.program is not None
    assert version.checker.program.entry_point == "validate.py"
    assert version.checker.protocol is Protocol.KATTIS
    assert version.judging.program == version.checker.program
    assert version.needs_check


def test_a_validator_of_several_files_has_them_all(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": CURRENT,
        "output_validator/validate.cc": '#include "validate.h"',
        "output_validator/validate.h": "//",
        "output_validator/README.md": "words",
    }
    program = read(files, tmp_path).version.checker.program
    assert program is not None
    assert program.language == "cpp@20"
    assert {file.path for file in program.sources} >= {"validate.cc", "validate.h"}


@pytest.mark.parametrize("build", ["g++ -o run validate.cc", "make"])
def test_a_build_script_is_not_run_where_the_sources_are_clear(build: str, tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": "validation: custom",
        "output_validators/v/build": f"#!/bin/sh\n{build}\n",
        "output_validators/v/validate.cc": "int main() {}",
    }
    imported = read(files, tmp_path)
    assert "build is not run" in told(imported, "output_validators/v")[0]
    program = imported.version.checker.program
    assert program is not None
    assert [file.path for file in program.sources] == ["validate.cc"]


@pytest.mark.parametrize(
    ("script", "taken"),
    [
        ('#!/bin/sh\n# starts it\ncd "$(dirname $0)"\nexec python3 validate.py "$@"\n', True),
        ('#!/bin/sh\nIN="$1"; shift\n./jury "$IN" out\nexit $?\n', False),
        ("#!/bin/sh\nexit 42\n", False),
    ],
)
def test_a_run_script_is_passed_over_where_it_only_starts_a_program(script: str, taken: bool, tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": "validation: custom",
        "output_validators/v/run": script,
        "output_validators/v/validate.py": VALIDATOR,
    }
    if taken:
        assert read(files, tmp_path).version.checker.program is not None
    else:
        assert "script `run`" in refused(files, tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no program"),
        ({"output_validators/a.py": VALIDATOR, "output_validators/b/b.py": VALIDATOR}, "has 2 programs"),
        ({"output_validators/v/a.txt.in": "x"}, "language is not clear"),
        ({"output_validators/v/a.py": "#!/usr/bin/python2\n"}, "Python 2"),
        ({"output_validators/v/a.py": "x", "output_validators/v/b.py": "x"}, "several of its files"),
        ({"output_validators/v/a.hs": "x"}, "language is not clear"),
    ],
)
def test_what_cannot_judge_is_refused(files: Files, message: str, tmp_path: Path) -> None:
    assert message in refused({**HELLO, "problem.yaml": "validation: custom", **files}, tmp_path)


def test_a_validator_that_nobody_asked_for_is_reported_in_the_old_format(tmp_path: Path) -> None:
    imported = read({**HELLO, "output_validators/v.py": VALIDATOR}, tmp_path)
    assert imported.version.checker.program is None
    assert "default validator" in told(imported, "output_validators")[0]


def test_testlib_is_told_of(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": "validation: custom",
        "output_validators/v/v.cpp": '#include "testlib.h"',
        "output_validators/v/testlib.h": "// its own",
    }
    imported = read(files, tmp_path)
    assert imported.version.checker.protocol is Protocol.KATTIS
    assert "42 or 43" in told(imported, "output_validators/v")[0]


@pytest.mark.parametrize(
    ("said", "passes", "interactive"),
    [
        ("validation: custom interactive", 1, True),
        (CURRENT + "type: interactive", 1, True),
        (CURRENT + "type: [pass-fail, interactive]", 1, True),
        (CURRENT + "type: pass-fail multi-pass", 2, False),
        ("validation: custom multi-pass\nlimits: {validation_passes: 26}", 26, False),
        (CURRENT + "type: [interactive, multi-pass]\nlimits: {validation_passes: 3}", 3, True),
        (CURRENT + "validation: {interactive: true, multipass: true, scoring: false}", 2, True),
    ],
)
def test_interactive_and_multi_pass(said: str, passes: int, interactive: bool, tmp_path: Path) -> None:
    files = {**HELLO, "problem.yaml": said, "output_validators/v.py": VALIDATOR}
    version = read(files, tmp_path).version
    assert version.judging.passes == passes
    assert (version.judging.interactor is not None) is interactive
    assert (version.checker.program is None) is interactive
    assert version.test_cases[0].is_hidden is interactive


def test_an_interactive_problem_needs_no_answers(tmp_path: Path) -> None:
    files = {path: data for path, data in HELLO.items() if not path.endswith(".ans")}
    assert "is missing" in refused(files, tmp_path)
    files |= {"problem.yaml": "validation: custom interactive", "output_validators/v.py": VALIDATOR}
    imported = read(files, tmp_path)
    assert imported.version.test_cases[0].expected_stdout == Payload(inline=b"")
    assert "empty" in told(imported, "sample/1.ans")[0]


def test_submit_answer_is_refused(tmp_path: Path) -> None:
    assert "submit-answer" in refused({**HELLO, "problem.yaml": CURRENT + "type: submit-answer"}, tmp_path)


def test_a_type_that_nobody_here_knows_is_refused(tmp_path: Path) -> None:
    assert "pvp" in refused({**HELLO, "problem.yaml": "type: pvp"}, tmp_path)


def test_input_validators(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "data/secret/testdata.yaml": "input_validator_flags: --max 7",
        "input_format_validators/a.py": VALIDATOR,
        "input_format_validators/b/v.cpp": "int main() { return 42; }",
        "input_format_validators/c.ctd": "EOF",
        "input_format_validators/d.viva": "{}",
        "input_format_validators/e/the_program": "exit 42",
        "input_format_validators/e/build": "#!/bin/sh\n",
    }
    imported = read(files, tmp_path)
    assert [one.language for one in imported.version.input_validators] == ["python", "cpp@20"]
    assert dict(imported.version.validator_arguments) == {"secret/2": ("--max", "7")}
    assert [len(told(imported, name)) for name in ("c.ctd", "d.viva", "validators/e")] == [1, 1, 1]


def test_arguments_for_validators_by_name(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": CURRENT,
        "data/secret/test_group.yaml": "input_validator_args: {a.py: [--small], b: [x]}",
        "input_validators/a.py": VALIDATOR,
    }
    assert dict(read(files, tmp_path).version.validator_arguments) == {"secret/2": ("--small",)}


# Test data.


def test_groups_and_test_cases_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["sample/2", "secret/10", "secret/1/b", "secret/2", "secret/1/a/z", "secret/3-x"]
    files = {"problem.yaml": "name: x"} | {f"data/{name}{suffix}": "1" for name in names for suffix in (".in", ".ans")}
    version = read(files, tmp_path).version
    assert [case.name for case in version.test_cases] == [
        *("sample/2", "secret/1/a/z", "secret/1/b", "secret/10", "secret/2", "secret/3-x"),
    ]
    assert [case.ordinal for case in version.test_cases] == [0, 1, 2, 3, 4, 5]


def test_what_a_test_case_says(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": CURRENT,
        "data/test_group.yaml": "output_validator_args: [case_sensitive]\nargs: [all]",
        "data/secret/2.yaml": "args: [-x, '1 2']\noutput_validator_args: [float_tolerance, '1e-3']\ndescription: big",
        "data/secret/2.files/in/put.txt": "7",
        "data/secret/2.svg": "<svg/>",
        "data/secret/2.wat": "?",
        "data/secret/9.hint": "?",
    }
    imported = read(files, tmp_path)
    sample, secret = imported.version.test_cases
    assert (sample.arguments, sample.checker_arguments) == (("all",), ("case_sensitive",))
    assert (secret.arguments, secret.checker_arguments) == (("-x", "1 2"), ("float_tolerance", "1e-3"))
    assert secret.description == "big"
    assert [(file.path, file.content.inline) for file in secret.files] == [("in/put.txt", b"7")]
    assert [len(told(imported, part)) for part in ("2.wat", "9.hint")] == [1, 1]


def test_old_settings_hold_below_and_new_ones_are_each_inherited(tmp_path: Path) -> None:
    old = {
        **HELLO,
        "problem.yaml": "validation: custom\nvalidator_flags: --all",
        "output_validators/v.py": VALIDATOR,
        "data/testdata.yaml": "output_validator_flags: --root",
        "data/secret/testdata.yaml": "output_validator_flags: '--secret \"a b\"'",
    }
    cases = read(old, tmp_path).version.test_cases
    assert [case.checker_arguments for case in cases] == [("--all", "--root"), ("--all", "--secret", "a b")]


def test_other_folders_of_data_are_reported(tmp_path: Path) -> None:
    imported = read({**HELLO, "data/invalid_input/1.in": "x", "data/bonus/1.in": "x"}, tmp_path)
    assert len(imported.version.test_cases) == 2
    assert [len(told(imported, f"data/{name}")) for name in ("invalid_input", "bonus")] == [1, 1]


def test_no_test_data_is_refused(tmp_path: Path) -> None:
    assert "no test case" in refused({"problem.yaml": "name: x"}, tmp_path)


def test_parts_that_are_not_used_are_reported(tmp_path: Path) -> None:
    names = ["graders", "generators", "output_visualizer", "solution", "whatever"]
    imported = read({**HELLO, **{f"{name}/x.py": "x" for name in names}}, tmp_path)
    assert [len(told(imported, name)) for name in names] == [1] * 5
    assert not any(finding.ok for finding in imported.report if finding.name in names)


# Texts and files.


def test_statements_of_several_languages(tmp_path: Path) -> None:
    files = {
        **HELLO,
        "problem.yaml": CURRENT.replace("Hello", "{en: Hello, sv: Hej}"),
        "statement/problem.sv.md": "Hej",
        "statement/problem.en.tex": "Hello",
        "statement/problem.en.pdf": "%PDF",
        "statement/img/cave.png": "png",
        "attachments/tool.py": "x",
    }
    imported = read(files, tmp_path)
    version = imported.version
    assert [(one.language, one.title, one.content.path) for one in version.statements] == [
        ("en", "Hello", "problem.en.tex"),
        ("sv", "Hej", "problem.sv.md"),
    ]
    assert [file.path for file in version.statements[0].files] == ["img/cave.png"]
    assert [file.path for file in version.attachments] == ["tool.py"]
    assert len(told(imported, "problem.en.pdf")) == 1


@pytest.mark.parametrize("path", ["problem.pdf", "problem_statement/problem.tex", "statement/problem.md"])
def test_a_statement_without_language_is_english(path: str, tmp_path: Path) -> None:
    (statement,) = read({**HELLO, path: "text"}, tmp_path).version.statements
    assert statement.language == "en"


def test_constants_are_filled_in_where_the_format_says(tmp_path: Path) -> None:
    files = {
        "problem.yaml": CURRENT + "constants: {max_n: 1000, five: {value: 5, word: five}}",
        "data/secret/1.in": "{{max_n}}",
        "data/secret/1.ans": "x",
        "data/secret/test_group.yaml": "output_validator_args: ['{{max_n}}']",
        "statement/problem.en.md": "{{max_n}} {{five}} {{five.word}} {{other}}",
        "output_validator/v.py": "N = {{max_n}}",
        "input_validators/i.py": "N = {{ max_n }}",
        "include/python3/lib.py": "N = {{max_n}}",
        "submissions/accepted/a.py": "print({{max_n}})",
    }
    version = read(files, tmp_path).version
    assert version.statements[0].content.content.inline == b"1000 5 five {{other}}"
    assert version.test_cases[0].stdin.inline == b"{{max_n}}"
    assert version.test_cases[0].checker_arguments == ("1000",)
    programs = [version.checker.program, version.input_validators[0], version.examples[0].program]
    assert all(program is not None and b"1000" in program.sources[0].content for program in programs)
    assert version.included["python"][0].content == b"N = 1000"


def test_included_files_are_kept_by_our_languages(tmp_path: Path) -> None:
    files = {**HELLO, "include/default/d.txt": "d", "include/cpp/main.cpp": "m", "include/kotlin/x.kt": "x"}
    imported = read(files, tmp_path)
    assert {name: [file.path for file in kept] for name, kept in imported.version.included.items()} == {
        "": ["d.txt"],
        "cpp": ["main.cpp"],
    }
    assert len(told(imported, "include/kotlin")) == 1


@pytest.mark.parametrize(
    "text", [r'{"title": "a\u0000"}', r'{"metadata": {"x": "\uD800"}}', "[]", '{"passes": "x"}', "{"]
)
def test_words_of_ours_that_cannot_be_kept_are_refused(text: str, tmp_path: Path) -> None:
    assert "shipd.json" in refused({**HELLO, "shipd.json": text}, tmp_path)


def test_words_of_ours_grant_nothing(tmp_path: Path) -> None:
    said = '{"constraints": {"network_enabled": true, "processes": 8, "colour": 1}}'
    imported = read({**HELLO, "shipd.json": said}, tmp_path)
    assert not imported.version.constraints.network_enabled
    assert imported.version.constraints.processes == 8
    assert len(told(imported, "shipd.json")) == 2
    assert "processes" in refused({**HELLO, "shipd.json": '{"constraints": {"processes": 9999}}'}, tmp_path)
