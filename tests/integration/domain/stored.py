"""Problems to keep."""

from collections.abc import Sequence
from dataclasses import replace

from domain.document import Document
from domain.judging import Aggregation, Judging, Program, TestGroup
from domain.limits import Constraints
from domain.model import File
from domain.payload import Payload
from domain.problem import ProblemCase, ProblemVersion, Statement

LONG = b"x" * 10_000
PROGRAM = Program("python", (File("check.py", b"import sys\nsys.exit(42)\n"),))


def text(data: bytes) -> Payload:
    return Payload(inline=data)


SAMPLE = ProblemCase(0, "sample/1", text(b"1 2\n"), text(b"3\n"), is_hidden=False, description="an easy one")
SECRET = ProblemCase(
    1,
    "secret/1",
    text(LONG),
    text(b"secret answer\n"),
    files=(Document("data.txt", text(b"kept\n"), 5, 0o600),),
    expected_files=(Document("out.txt", text(LONG), len(LONG)),),
    expected_exit_code=3,
    arguments=("-v",),
    checker_arguments=("case_sensitive",),
    points=2.0,
    group="all",
    timeout_ms=500,
)
SUM = ProblemVersion(
    id="sum",
    title="Sum",
    test_cases=(SAMPLE, SECRET),
    judging=Judging(groups=(TestGroup("all", aggregation=Aggregation.MIN, points=2.0),)),
    constraints=Constraints(timeout_ms=2000, memory_mb=128),
    language_constraints={"java": {"timeout_ms": 4000}},
    languages=("python", "java", "cpp@20"),
    statements=(
        Statement(
            "en",
            "Sum",
            Document("problem.en.md", text(b"# Sum\n"), 6),
            (Document("sum.png", text(LONG), len(LONG)),),
        ),
    ),
    attachments=(Document("starter/main.py", text(b"print()\n"), 8),),
    outputs=("*.txt",),
    metadata={"author": "A. N. Other"},
)


def with_cases(cases: Sequence[ProblemCase], **more: object) -> ProblemVersion:
    return replace(SUM, test_cases=tuple(cases), judging=Judging(), **more)  # type: ignore[arg-type]


def easy(name: str = "one", *, hidden: bool = False) -> ProblemVersion:
    """Give a problem that hello world solves."""
    case = ProblemCase(0, name, text(b""), text(b"hello\n"), is_hidden=hidden)
    return with_cases([case], languages=(), language_constraints={})


SOURCES = (File("main.py", b"print('hello')\n"),)
