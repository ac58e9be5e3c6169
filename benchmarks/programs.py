"""a + b in several languages, as the platform would compile and run it: command line, files and limits are its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks.host import TREE
from domain.languages import Languages
from domain.model import Expectation, File, Submission, TestCase
from sandbox import Command, Jails, Limits, Slot
from workers.compile import compile_submission
from workers.prepare import disk_bytes, plan, run_limits

CPP = r"""#include <cstdio>
int main() { int a, b; scanf("%d%d", &a, &b); printf("%d\n", a + b); }
"""
PYTHON = "print(sum(map(int, input().split())))\n"
JAVA = """public class Main {
  public static void main(String[] words) {
    var in = new java.util.Scanner(System.in);
    System.out.println(in.nextInt() + in.nextInt());
  }
}
"""
NODE = """const [a, b] = require("fs").readFileSync(0, "utf8").split(" ").map(Number);
console.log(a + b);
"""
A_PLUS_B: Mapping[str, tuple[str, str, str]] = {
    "cpp": ("cpp", "main.cpp", CPP),
    "python": ("python", "main.py", PYTHON),
    "java": ("java", "Main.java", JAVA),
    "node": ("javascript", "main.js", NODE),
}
"""By the names of the figures: the platform's name, the main file, the source."""
STDIN = b"20 22\n"
STDOUT = b"42\n"


@dataclass(frozen=True)
class Program:
    """A program ready to run, and what it may spend."""

    files: tuple[File, ...]
    command: Command
    limits: Limits
    disk_bytes: int
    mounts: tuple[str, ...]


def ready(name: str, sandbox: Jails, slot: Slot) -> Program:
    """Compile a + b in a jail, where its language is compiled."""
    language, file, source = A_PLUS_B[name]
    case = TestCase(0, "", STDIN, (), (), Expectation(STDOUT))
    sources = (File(file, source.encode()),)
    submission = Submission(language, sources, None, (case,))
    made = plan(Languages.load(TREE / "jail-configs" / "languages"), submission)
    compiled = compile_submission(sandbox, slot, made)
    held_at = made.held_at(case, compiled.main_class, compiled.files)
    return Program(
        files=compiled.files,
        command=replace(made.run_command(case, compiled.main_class), held_at=held_at),
        limits=run_limits(submission.constraints, case, made.language),
        disk_bytes=disk_bytes(submission.constraints.disk_limit_mb, compiled.files),
        mounts=tuple(made.language.mounts),
    )
