"""A program cannot tell a runtime that was started ahead, and held when it opened it, from one started for it."""

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest

from sandbox import Cause, RunResult, Sandbox
from tests.jail.held_programs import SOURCES, Program, compiled, java, node, run_held, run_in, run_plain
from tests.jail.running import MIB, STAND_PATIENCE_S

LOOKING = {
    "node": lambda: node((SOURCES / "look.js").read_text()),
    "java": lambda: java("look in"),
}


@pytest.fixture
def held(sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    return sandboxes["warm"]


@pytest.fixture
def plain(sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    return sandboxes["cgroup"]


def end(result: RunResult) -> tuple[object, ...]:
    return (result.cause, result.exit_code, result.exit_signal, result.stdout, result.stderr)


def ends_alike(held: Sandbox, plain: Sandbox, program: Program) -> RunResult:
    result = run_held(held, program)
    assert end(result) == end(run_plain(plain, program))
    return result


def as_of_any_slot(result: RunResult) -> list[str]:
    """What was told, but for the uids that are a slot's own."""
    return re.sub(r"\b(uid|gid)=\d{4,}", r"\1=N", result.stdout.decode()).splitlines()


@pytest.mark.parametrize("language", LOOKING)
def test_a_program_sees_what_a_plain_start_shows(held: Sandbox, plain: Sandbox, language: str) -> None:
    program = LOOKING[language]()
    seen, other = run_held(held, program), run_plain(plain, program)
    assert (seen.exit_code, seen.stderr) == (0, b"")
    assert len(seen.stdout) > 4000
    assert as_of_any_slot(seen) == as_of_any_slot(other)


@pytest.mark.parametrize(
    "text",
    [
        "null.x",
        "throw new TypeError('no')",
        "process.exit(7)",
        "process.exitCode = 3",
        "process.abort()",
        "process.kill(process.pid, 'SIGKILL')",
        "process.kill(process.pid, 'SIGTERM')",
        "Promise.reject(new Error('late'))",
        "function f() { f(); }\ntry { f(); } catch (error) { console.log(error.message); }",
        "this is no JavaScript",
        "",
        "\0",
        "#!/usr/bin/node\nconsole.log(1)",
        "\ufeffconsole.log('marked')",
        "import fs from 'node:fs'; console.log(import.meta.url, fs.readFileSync(0, 'utf8'))",
        "console.log(await 5, require)",
        "require('./missing')",
    ],
)
def test_node_ends_as_a_plain_start_does(held: Sandbox, plain: Sandbox, text: str) -> None:
    ends_alike(held, plain, node(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "main.mjs",
            "import { two } from './two.mjs'; console.log(two, import.meta.url); await null; throw Error('x')",
        ),
        ("main.cjs", "console.log(require('./one.cjs'), module.paths, new Error('x').stack)"),
        ("src/main.js", "console.log(require('../one.cjs'), __filename, require('./data.json'), process.argv)"),
        ("other.js", "import('./two.mjs').then((module) => console.log(module.two, __filename))"),
    ],
)
def test_each_kind_of_module_is_found(held: Sandbox, plain: Sandbox, name: str, text: str) -> None:
    others = {"two.mjs": b"export const two = 2;", "one.cjs": b"module.exports = 1;", "src/data.json": b'{"three": 3}'}
    assert ends_alike(held, plain, node(text, name, others=others)).stdout


AGAIN = """
const { Worker, isMainThread } = require("worker_threads");
const { execFileSync } = require("child_process");
const fs = require("fs");
if (!isMainThread || process.env.CHILD) {
  console.log(fs.readFileSync(__filename).length);
} else {
  for (const name of [__filename, "/proc/self/cwd/main.js", "/dev/stdin"]) fs.closeSync(fs.openSync(name, "r"));
  fs.closeSync(fs.openSync("main.js", "r+"));
  console.log(fs.readFileSync(__filename, "utf8").length, execFileSync("/usr/bin/cat", ["main.js"]).length);
  console.log(String(execFileSync(process.execPath, ["main.js"], { env: { CHILD: "1" } })));
  new Worker(__filename).on("exit", () => setImmediate(() => { // what it said has come by then
    fs.linkSync("main.js", "same.js");
    fs.renameSync("main.js", "old.js");
    execFileSync("/usr/bin/mkfifo", ["main.js"]);
    fs.unlinkSync("main.js");
    fs.writeFileSync("main.js", "console.log('new')");
    for (const name of ["same.js", "old.js", "main.js"]) fs.closeSync(fs.openSync(name, "r+"));
    console.log(String(execFileSync(process.execPath, ["main.js"])), fs.statSync("same.js").nlink);
  }));
}
"""


def test_the_file_is_like_any_other_once_the_program_runs(held: Sandbox, plain: Sandbox) -> None:
    result = ends_alike(held, plain, node(AGAIN))
    assert b"new" in result.stdout


def test_a_program_may_execute_itself(held: Sandbox, plain: Sandbox) -> None:
    text = "#!/usr/bin/node\nif (!process.env.CHILD) console.log(String(require('child_process').execFileSync("
    program = node(text + "'./main.js', { env: { CHILD: '1' } }))); else console.log('child')")
    result = ends_alike(held, plain, replace(program, modes={"main.js": 0o755}))
    assert result.stdout == b"child\n\n"


@pytest.mark.parametrize("told", ["throw", "exit", "halt", "deep", "missing", "threads", "hello there"])
def test_java_ends_as_a_plain_start_does(held: Sandbox, plain: Sandbox, told: str) -> None:
    # Of a full stack of 64 MiB a JVM needs 100 to 360 MB, by how far its compilers had come: more than a limit may be.
    ends_alike(held, plain, java(told).limited(memory_bytes=1024 * MIB))


def test_a_class_in_a_package_is_found(held: Sandbox, plain: Sandbox) -> None:
    result = ends_alike(held, plain, java("", "a.b.Foo$Inner"))
    assert result.stdout == b"a.b.Foo a.b.Foo$Inner\n"


@pytest.mark.parametrize("content", [b"", b"no class file", b"a.b.Foo"])
def test_what_is_no_class_is_refused_alike(held: Sandbox, plain: Sandbox, content: bytes) -> None:
    found = compiled()["classes/a/b/Foo.class"] if content == b"a.b.Foo" else content
    result = ends_alike(held, plain, java("", changed={"classes/Main.class": found}))
    assert result.exit_code == 1


USAGE = {"node": lambda: node("console.log(1)"), "java": lambda: java("hello")}


class Spent(NamedTuple):
    """What a run took."""

    cpu_time_us: int
    system_calls: int
    page_faults: int
    memory_bytes: int


def spent(result: RunResult) -> Spent:
    """Give what must be known of it."""
    counters = result.counters
    assert counters.system_calls is not None
    assert counters.page_faults is not None
    assert result.memory_bytes is not None
    return Spent(result.cpu_time_us, counters.system_calls, counters.page_faults, result.memory_bytes)


@pytest.mark.parametrize("language", USAGE)
def test_its_start_is_not_the_programs_but_for_its_memory(held: Sandbox, plain: Sandbox, language: str) -> None:
    """Up to three attempts: a runtime's threads, and a machine that stalls, make runs differ, but not each time."""
    program = USAGE[language]()
    compared = []

    def holds() -> bool:
        result = run_held(held, program)
        assert result.mode == "warm"
        own, whole = spent(result), spent(run_plain(plain, program))
        compared.append((own, whole))
        assert own.cpu_time_us > 0
        assert own.system_calls > 50
        assert own.page_faults > 20
        less = own.cpu_time_us < whole.cpu_time_us and own.page_faults < whole.page_faults
        much_less = own.system_calls < whole.system_calls / 2
        return less and much_less and abs(own.memory_bytes - whole.memory_bytes) < 8 * MIB

    assert any(holds() for _ in range(3)), compared


FILLING = {
    "node": lambda amount: node(
        f"const kept = []; for (let i = 0; i < {amount}; i++) kept.push(Buffer.alloc(1 << 20, 1));"
    ),
    "java": lambda amount: java(f"fill {amount}"),
}


# A JVM moves what lives long, for which it needs room: it has it up to about seven tenths.
@pytest.mark.parametrize(
    ("language", "part", "fits"), [("node", 0.9, True), ("node", 1.1, False), ("java", 0.6, True), ("java", 1.1, False)]
)
def test_memory_agrees_with_a_plain_start(
    held: Sandbox, plain: Sandbox, language: str, part: float, fits: bool
) -> None:
    least = FILLING[language](1)
    base = run_plain(plain, least).memory_bytes or 0
    program = FILLING[language](int(part * (least.limits.memory_bytes - base) / MIB))
    for result in (run_held(held, program), run_plain(plain, program)):
        assert result.cause is (Cause.EXIT if fits else Cause.MEMORY)
        assert (result.exit_code == 0) is fits


SPINNING = {"node": lambda: node("for (;;);"), "java": lambda: java("spin")}
TALKING = {"node": lambda: node("for (;;) require('fs').writeSync(1, 'more\\n');"), "java": lambda: java("talk")}


@pytest.mark.parametrize("language", SPINNING)
def test_it_is_held_to_the_time_of_its_run(held: Sandbox, language: str) -> None:
    """Up to three attempts: a machine that is busy elsewhere may delay the keeper, but not each time."""

    def spent_us() -> int:
        result = run_held(held, SPINNING[language]().limited(cpu_time_ms=300))
        assert result.cause is Cause.CPU
        return result.cpu_time_us

    assert any(300_000 < spent_us() < 400_000 for _ in range(3))


@pytest.mark.parametrize("language", TALKING)
def test_it_is_held_to_the_output_of_its_run(held: Sandbox, language: str) -> None:
    result = run_held(held, TALKING[language]().limited(output_bytes=5000))
    assert (result.cause, len(result.stdout)) == (Cause.STDOUT, 5000)


def test_it_is_held_to_the_files_of_its_run(held: Sandbox, plain: Sandbox) -> None:
    program = node("require('fs').writeFileSync('x', Buffer.alloc(20000))").limited(file_bytes=8192)
    assert b"EFBIG" in ends_alike(held, plain, program).stderr


def test_a_long_input_is_fed_to_its_end(held: Sandbox, plain: Sandbox) -> None:
    text = "console.log(require('fs').readFileSync(0).length)"
    assert ends_alike(held, plain, node(text, stdin=bytes(3 * MIB))).stdout == b"%d\n" % (3 * MIB)


def test_each_is_used_once(held: Sandbox) -> None:
    text = (
        "const fs = require('fs'); console.log(fs.readdirSync('/tmp'), Math.random()); fs.writeFileSync('/tmp/x', '')"
    )
    first, second = (run_held(held, node(text)).stdout for _ in range(2))
    assert first.startswith(b"[]")
    assert second.startswith(b"[]")
    assert first != second


def test_time_goes_on_while_it_is_held(held: Sandbox) -> None:
    assert held.pool is not None
    text = """
    const began = Date.now();
    setTimeout(() => console.log("late", Date.now() - began >= 199), 200);
    setTimeout(() => console.log("soon"), 1);
    """
    program = node(text)
    with held.slot() as slot:
        assert held.pool.warm(slot, program.kind, STAND_PATIENCE_S)
        time.sleep(1.0)
        result = run_in(held, slot, program, held=True)
    assert result.stdout == b"soon\nlate true\n"
    assert result.wall_time_us >= 199_000
