"""Judge0's published client, unchanged, against the real platform."""

import base64
from collections.abc import Iterator

import judge0
import pytest
import requests
from judge0 import LanguageAlias, Status

from standalone.stack import Stack

ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
CRASH = "int main(void) { *(volatile int *)8 = 1; }"
DIVIDE = "int main(void) { volatile int seven = 7, zero = 0; return seven / zero; }"
SPINS = "while True: pass"
ABORT = "#include <stdlib.h>\nint main(void) { abort(); }"


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[judge0.Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield judge0.Client(f"{stack.url}/compat/judge0", {"X-Auth-Token": stack.api_key})


def test_it_knows_our_languages(client: judge0.Client) -> None:
    wanted = ("PYTHON", "C", "CPP", "JAVA", "JAVASCRIPT", "GO", "RUST")
    assert [name for name in wanted if not client.is_language_supported(LanguageAlias[name])] == []
    assert client.get_language(71).name.startswith("Python (3.")
    assert {status["id"] for status in client.get_statuses()} == set(Status)


def test_a_program_is_run(client: judge0.Client) -> None:
    done = judge0.run(client=client, source_code="print('héllo 🌍')", language=LanguageAlias.PYTHON)
    assert (done.status, done.stdout, done.stderr, done.exit_code) == (Status.ACCEPTED, "héllo 🌍\n", None, 0)
    assert 0 < done.time < 10
    assert done.memory > 1000
    assert done.finished_at >= done.created_at


def test_test_cases_are_graded_as_a_batch(client: judge0.Client) -> None:
    cases = [("1 2", "3"), ("2 2", "5"), ("x", "1")]
    done = judge0.run(client=client, source_code=ADD, language=LanguageAlias.PYTHON, test_cases=cases)
    assert [one.status for one in done] == [Status.ACCEPTED, Status.WRONG_ANSWER, Status.RUNTIME_ERROR_NZEC]
    assert [one.stdout for one in done] == ["3\n", "4\n", None]
    assert "ValueError" in done[2].stderr
    # Of the texts in base64 this client reads the message as it comes.
    assert (done[2].exit_code, base64.b64decode(done[2].message)) == (1, b"exit:1")


@pytest.mark.parametrize(
    ("language", "program", "status"),
    [
        ("C", "int main(void) { return undefined; }", Status.COMPILATION_ERROR),
        ("C", CRASH, Status.RUNTIME_ERROR_SIGSEGV),
        ("C", DIVIDE, Status.RUNTIME_ERROR_SIGFPE),
        ("C", ABORT, Status.RUNTIME_ERROR_SIGABRT),
        ("CPP", "#include <iostream>\nint main() { while (true) std::cout << 1; }", Status.RUNTIME_ERROR_SIGXFSZ),
        ("PYTHON", SPINS, Status.TIME_LIMIT_EXCEEDED),
        ("PYTHON", "import time; time.sleep(9)", Status.TIME_LIMIT_EXCEEDED),
        ("PYTHON", "x = bytearray(10**9)", Status.RUNTIME_ERROR_OTHER),
    ],
)
def test_what_goes_wrong_has_its_status(client: judge0.Client, language: str, program: str, status: Status) -> None:
    done = judge0.run(
        client=client,
        source_code=program,
        language=LanguageAlias[language],
        # Others end before, however slow the machine is.
        cpu_time_limit=0.5 if program == SPINS else 10,
        wall_time_limit=1.5 if "sleep" in program else 10,
        memory_limit=128_000,
        max_file_size=64,
    )
    assert done.status == status
    assert (done.compile_output is not None and "undefined" in done.compile_output) == (status == 6)


def test_arguments_and_long_outputs_come_through(client: judge0.Client) -> None:
    program = "import sys\nprint(sys.argv[1:], 'x' * 200_000)"
    done = judge0.run(
        client=client, source_code=program, language=LanguageAlias.PYTHON, command_line_arguments="a 'b c'"
    )
    assert done.stdout == "['a', 'b c'] " + "x" * 200_000 + "\n"


def test_it_is_waited_for_without_base64(stack: Stack) -> None:
    def ask(program: str, **query: str) -> "requests.Response":
        with requests.Session() as session:
            session.trust_env = False
            return session.post(
                f"{stack.url}/compat/judge0/submissions",
                params={"wait": "true", **query},
                json={"source_code": program, "language_id": 71, "stdin": "é"},
                headers={"X-RapidAPI-Key": stack.api_key},
                timeout=90,
            )

    fine = ask("print(input())")
    assert (fine.status_code, fine.json()["stdout"], fine.json()["status"]["id"]) == (201, "é\n", 3)
    no_text = ask("import sys; sys.stdout.buffer.write(b'\\xff')")
    assert (no_text.status_code, set(no_text.json())) == (201, {"token", "error"})
    assert ask("print(1)", fields="status_id").json() == {"status_id": 3}


def test_a_wrong_key_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(RuntimeError, match="Authentication failed"):
        judge0.Client(f"{stack.url}/compat/judge0", {"X-Auth-Token": "x"})
