"""A published Piston client, unchanged, against the real platform."""

import asyncio
from collections.abc import Sequence

import piston_rspy
import pytest
from piston_rspy import ExecResponse, Executor, File

from standalone.stack import Stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> piston_rspy.Client:
    return piston_rspy.Client.with_url_and_key(f"{stack.url}/compat/piston/api/v2", stack.api_key)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def execute(
    client: piston_rspy.Client,
    language: str,
    program: str,
    *,
    stdin: str = "",
    args: Sequence[str] = (),
    run_timeout: int = 3000,
    run_memory_limit: int = -1,
) -> ExecResponse:
    """Run a program of one file without a name."""
    executor = Executor(
        language=language,
        version="*",
        files=[File(content=program)],
        stdin=stdin,
        args=[*args],
        run_timeout=run_timeout,
        run_memory_limit=run_memory_limit,
    )

    async def ask() -> ExecResponse:
        return await client.execute(executor)

    return asyncio.run(ask())


def test_it_knows_our_languages(client: piston_rspy.Client) -> None:
    async def ask() -> list[piston_rspy.Runtime]:
        return await client.fetch_runtimes()

    found = {runtime.language: runtime for runtime in asyncio.run(ask())}
    assert set(found) == {"c", "c++", "go", "java", "javascript", "python", "rust"}
    assert found["python"].version.startswith("3.")
    assert "py" in found["python"].aliases


def test_a_program_is_run(client: piston_rspy.Client) -> None:
    program = "import sys\nprint(input(), sys.argv[1:])\nprint('oh', file=sys.stderr)"
    done = execute(client, "py", program, stdin="héllo 🌍", args=["a", "b c"])
    assert (done.status, done.language) == (200, "python")
    assert (done.run.stdout, done.run.stderr) == ("héllo 🌍 ['a', 'b c']\n", "oh\n")
    assert (done.run.code, done.run.signal, done.compile) == (0, None, None)


def test_what_is_compiled_says_so(client: piston_rspy.Client) -> None:
    done = execute(client, "c++", "#include <iostream>\nint main() { std::cout << 42; return 3; }")
    assert (done.run.stdout, done.run.code) == ("42", 3)
    assert done.compile is not None
    assert done.compile.code == 0


def test_a_compile_error_is_the_compiler_s(client: piston_rspy.Client) -> None:
    done = execute(client, "c", "int main(void) { return undefined; }")
    assert done.compile is not None
    assert done.compile.code == 1
    assert "undefined" in done.compile.stderr
    assert (done.run.code, done.run.signal, done.run.output) == (None, None, "")


@pytest.mark.parametrize(
    ("program", "run_timeout", "signal"),
    [
        ("while True: pass", 1000, "SIGKILL"),
        ("import time; time.sleep(9)", 1000, "SIGKILL"),
        # These end by themselves, however slow the machine is.
        ("x = bytearray(10**9)", 10_000, "SIGKILL"),
        ("import os; os.abort()", 10_000, "SIGABRT"),
    ],
)
def test_what_is_ended_has_a_signal(client: piston_rspy.Client, program: str, run_timeout: int, signal: str) -> None:
    done = execute(client, "python", program, run_timeout=run_timeout, run_memory_limit=128_000_000)
    assert (done.run.signal, done.run.code) == (signal, None)


def test_an_exit_code_is_told(client: piston_rspy.Client) -> None:
    done = execute(client, "javascript", "console.log(1); process.exit(7)")
    assert (done.run.stdout, done.run.code, done.run.signal) == ("1\n", 7, None)


def test_a_language_that_is_not_there_is_an_error(client: piston_rspy.Client) -> None:
    refused = execute(client, "cobol", "x")
    assert (refused.status, "cobol-* runtime is unknown" in refused.run.stderr) == (400, True)


def test_a_wrong_key_is_refused(stack: Stack) -> None:
    refused = execute(piston_rspy.Client.with_url_and_key(f"{stack.url}/compat/piston/api/v2", "x"), "python", "1")
    assert (refused.status, "unknown, expired or revoked" in refused.run.stderr) == (401, True)
