"""What is said of an execution in one line: all that happened, and nothing that a sender wrote."""

from dataclasses import replace

from domain.model import ExecutionTelemetry, Expectation, Outcome, RunTelemetry, TestCase, TestResult, Usage
from domain.verdict import Verdict
from tests.unit.workers.making import asking, claimed
from workers.story import Story, of_case

KNOWN = ExecutionTelemetry(host="host-1", worker="host-1/7")
SECRET = "canary"
CASE = TestCase(0, SECRET, stdin=SECRET.encode(), expected=Expectation(SECRET.encode()))
HIDDEN = replace(CASE, ordinal=1, is_hidden=True)
RAN = TestResult(
    0,
    Verdict.AC,
    stdout=SECRET.encode(),
    message=SECRET,
    usage=Usage(10, 20, 4096),
    telemetry=RunTelemetry(slot=1, mode="warm", denied_syscalls={"ptrace": 2}),
)


def line(story: Story, verdict: Verdict, reason: str | None = None) -> dict[str, object]:
    return story.line(claimed(asking(test_cases=(CASE, HIDDEN))), Outcome(verdict, reason, KNOWN, message=SECRET))


def test_results_are_counted_and_added_up() -> None:
    story = Story()
    story.note(CASE, RAN)
    story.note(CASE, replace(RAN, usage=Usage(1, 2, None), telemetry=RunTelemetry(mode="inner", slot=0)))
    story.note(CASE, replace(RAN, cached=True))
    story.note(CASE, TestResult(3, None, "skipped"))
    told = line(story, Verdict.AC)
    assert told["test_cases"] == {"AC": 3, "skipped": 1}
    assert (told["cpu_time_ms"], told["wall_time_ms"], told["memory_bytes"]) == (11, 22, 4096)
    assert (told["modes"], told["slots"], told["cached"]) == ({"warm": 1, "inner": 1}, [0, 1], 1)
    assert told["denied_syscalls"] == 2
    assert SECRET not in str(told)


def test_no_path_and_nothing_hidden_is_in_a_reason() -> None:
    wrong = replace(RAN, verdict=Verdict.WA, reason=f"file:{SECRET}")
    shown = Story()
    shown.note(CASE, wrong)
    assert line(shown, Verdict.WA, wrong.reason)["reason"] == "file"
    hidden = Story()
    hidden.note(HIDDEN, replace(RAN, verdict=Verdict.RTE, reason="exit:3"))
    assert line(hidden, Verdict.RTE, "exit:3")["reason"] == "runtime"


def test_a_span_of_a_hidden_test_case_says_what_answers_say() -> None:
    spent = replace(RAN, verdict=Verdict.WA, reason="stdout", usage=Usage(1234567, 1234567, 12345678))
    shown, hidden = of_case("python", CASE, spent), of_case("python", HIDDEN, spent)
    assert (shown["shipd.reason"], hidden["shipd.reason"]) == ("stdout", None)
    assert shown["shipd.cpu_time_ms"] == 1234567
    assert hidden["shipd.cpu_time_ms"] != 1234567
    assert SECRET not in f"{shown}{hidden}"
