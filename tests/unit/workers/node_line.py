"""Tests and a program of JavaScript with the line between them, as processes of this machine."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from domain.model import File
from domain.suite import Suite
from tests.unit.workers.making import LANGUAGES, planned
from workers.calling import beside
from workers.suites import interactor_of_suite

PASSED, FAILED = 42, 43
PATIENCE_S = 60
LANGUAGE = LANGUAGES.known["javascript"]
NODE = LANGUAGE.run.argv[0]
End = Callable[[str], int]


def runner(tmp_path: Path, program: bytes, suite: Suite) -> End:
    """Give what runs one test against a program, and says how the judge of it ended."""
    asked = planned("javascript", (File("main.js", program),), suite=suite).submission
    assert asked.suite is not None
    tests = interactor_of_suite(LANGUAGE, asked.suite).program
    for folder, put in (
        ("program", (*asked.sources, *beside(LANGUAGE, asked, "main.js"))),
        ("tests", tests.sources),
    ):
        for file in put:
            path = tmp_path / folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
    (tmp_path / "feedback").mkdir()

    def end(test: str) -> int:
        (tmp_path / "input").write_text(test)
        (one, other), (third, fourth) = os.pipe(), os.pipe()
        arguments = [str(tmp_path / "input"), "answer", str(tmp_path / "feedback")]
        commands: tuple[tuple[str, list[str], int, int], ...] = (
            ("program", [".shipd/program.cjs"], one, fourth),
            ("tests", ["tests.cjs", *arguments], third, other),
        )
        processes = [
            subprocess.Popen(
                [NODE, *line], cwd=tmp_path / folder, stdin=given, stdout=said, stderr=subprocess.DEVNULL, env={}
            )
            for folder, line, given, said in commands
        ]
        for descriptor in (one, other, third, fourth):
            os.close(descriptor)
        program, judge = (process.wait(PATIENCE_S) for process in processes)
        assert program == 0
        return judge

    return end
