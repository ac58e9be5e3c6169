"""Kinds of submissions of which the verdict is known: several languages, verdicts and sizes (pure)."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]

PROBLEM = "chaos-sum"
SUM = "print(sum(map(int, input().split())))\n"
PROBLEM_BODY: Mapping[str, object] = {
    "id": PROBLEM,
    "title": "Sum",
    "visibility": "public",
    "constraints": {"timeout_ms": 5000, "memory_mb": 64},
    "test_cases": [
        {"name": "sample", "input": "1 2", "expected_output": "3", "is_hidden": False, "points": 1},
        {"name": "secret", "input": "20 22", "expected_output": "42", "points": 2},
        {"name": "long", "input": "7 " * 30_000, "expected_output": "210000", "points": 3},
    ],
}

C_SUM = '#include <stdio.h>\nint main(void) { int a, b; scanf("%d%d", &a, &b); printf("%d\\n", a + b); }\n'
CPP_SUM = "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }\n"
GO_SUM = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tvar a, b int\n\tfmt.Scan(&a, &b)\n\tfmt.Println(a + b)\n}\n'
RUST_SUM = (
    "use std::io::*;\nfn main() { let mut s = String::new(); stdin().read_to_string(&mut s).unwrap();\n"
    'println!("{}", s.split_whitespace().map(|x| x.parse::<i32>().unwrap()).sum::<i32>()); }\n'
)
JAVA_SUM = (
    "import java.util.Scanner;\npublic class Main { public static void main(String[] a) {\n"
    "Scanner s = new Scanner(System.in); System.out.println(s.nextInt() + s.nextInt()); } }\n"
)
JS_SUM = "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number);\nconsole.log(a + b);\n"
ABORTS = "#include <stdlib.h>\nint main(void) { abort(); }\n"
NO_C = "int main( { return 0; }\n"
CAREFUL = {"timeout_ms": 10_000}
"""What is right stays so on a machine that is busy with its own end."""


@dataclass(frozen=True)
class Kind:
    """One kind: how often it is sent, what its body is, and what must become of it."""

    name: str
    weight: int
    language: str
    verdict: str
    results: int
    """How many test results there must be; a program that does not compile has none."""
    make: Callable[[random.Random], Body]
    needs_root: bool = False
    """Whether it needs a box on disk, which is a loop mount."""


def _run(language: str, source: str, cases: list[object], **more: object) -> Body:
    return {
        "language": language,
        "source": {"type": "code", "content": source},
        "test_cases": cases,
        "constraints": CAREFUL,
        **more,
    }


def _sums(language: str, source: str, count: int, *, hidden: bool = False) -> Callable[[random.Random], Body]:
    def make(rng: random.Random) -> Body:
        pairs = [(rng.randrange(1000), rng.randrange(1000)) for _ in range(count)]
        cases: list[object] = [
            {"input": f"{a} {b}", "expected_output": str(a + b), **({"is_hidden": True} if hidden else {})}
            for a, b in pairs
        ]
        return _run(language, source, cases)

    return make


def _python(source: str, expected: str | None = None, **constraints: int) -> Callable[[random.Random], Body]:
    def make(rng: random.Random) -> Body:
        # A comment of its own, so that no two are the same program.
        text = f"{source}\n# {rng.randrange(10**9)}\n"
        cases: list[object] = [{} if expected is None else {"expected_output": expected}]
        return _run("python", text, cases, constraints={**CAREFUL, **constraints})

    return make


def _only(language: str, source: str) -> Callable[[random.Random], Body]:
    return lambda _: _run(language, source, [{"expected_output": "never"}])


def _stops(rng: random.Random) -> Body:
    cases = [{"input": f"{n} 1", "expected_output": str(n + 1 if n < 3 else 0)} for n in range(10)]
    return _run("python", f"{SUM}# {rng.randrange(10**9)}\n", list(cases), stop_on_first_failure=True)


def _echo(rng: random.Random) -> Body:
    text = rng.randbytes(100_000).hex() + "\n"
    case = {"input": text, "expected_output": text}
    return _run("python", "import sys\nsys.stdout.write(sys.stdin.read())\n", [case])


def _files(rng: random.Random) -> Body:
    number = rng.randrange(1000)
    files = [
        {"path": "main.py", "content": "from parts.value import VALUE\nprint(VALUE)\n"},
        {"path": "parts/value.py", "content": f"VALUE = {number}\n"},
        {"path": "data.txt", "content": "x" * rng.randrange(1, 60_000)},
    ]
    body = _run("python", "", [{"expected_output": str(number)}], entry_point="main.py")
    return {**body, "source": {"type": "files", "files": files}}


def _solution(source: str) -> Callable[[random.Random], Body]:
    return lambda rng: {
        "language": "python",
        "source": {"type": "code", "content": f"{source}# {rng.randrange(10**9)}\n"},
        "problem_id": PROBLEM,
    }


KINDS = (
    Kind("hello", 24, "python", "OK", 1, _python("print('hello')")),
    Kind("python sum", 14, "python", "AC", 1, _sums("python", SUM, 1)),
    Kind("many cases", 3, "python", "AC", 40, _sums("python", SUM, 40)),
    Kind("hidden cases", 6, "python", "AC", 5, _sums("python", SUM, 5, hidden=True)),
    Kind("wrong", 6, "python", "WA", 1, _python("print(41)", "42")),
    Kind("stops at a failure", 3, "python", "WA", 10, _stops),
    Kind("loops", 3, "python", "TLE", 1, _python("while True: pass", "x", timeout_ms=300)),
    Kind("sleeps", 2, "python", "TLE", 1, _python("import time\ntime.sleep(60)", "x", wall_timeout_ms=700)),
    Kind("works a while", 3, "python", "AC", 1, _python("import time\ntime.sleep(1)\nprint('done')", "done")),
    Kind("hoards", 3, "python", "MLE", 1, _python("x = b'x' * (200 << 20)", memory_mb=48)),
    Kind("floods", 3, "python", "OLE", 1, _python("while True: print('x' * 999)", output_kb=16)),
    Kind("fails", 3, "python", "RTE", 1, _python("raise SystemExit(3)")),
    Kind("echoes much", 2, "python", "AC", 1, _echo),
    Kind("several files", 3, "python", "AC", 1, _files),
    Kind("large", 2, "python", "AC", 1, _python("x = b'x' * (300 << 20)\nprint(len(x))", "314572800", memory_mb=768)),
    Kind("disk", 2, "python", "AC", 1, _python("open('f', 'wb').write(b'x' * 9999)\nprint(1)", "1", disk_mb=160), True),
    Kind("solves", 6, "python", "AC", 3, _solution(SUM)),
    Kind("solves badly", 3, "python", "WA", 3, _solution("print(3)\n")),
    Kind("C sum", 4, "c", "AC", 2, _sums("c", C_SUM, 2)),
    Kind("C aborts", 2, "c", "RTE", 1, _only("c", ABORTS)),
    Kind("C is none", 2, "c", "CE", 0, _only("c", NO_C)),
    Kind("C++ sum", 4, "cpp", "AC", 3, _sums("cpp", CPP_SUM, 3)),
    Kind("JavaScript sum", 4, "javascript", "AC", 2, _sums("javascript", JS_SUM, 2)),
    Kind("Go sum", 1, "go", "AC", 2, _sums("go", GO_SUM, 2)),
    Kind("Rust sum", 1, "rust", "AC", 2, _sums("rust", RUST_SUM, 2)),
    Kind("Java sum", 1, "java", "AC", 2, _sums("java", JAVA_SUM, 2)),
)
BY_NAME = {kind.name: kind for kind in KINDS}
