"""Test cases of groups, shared out: whatever is run ahead, it is as if they had been run one after the other."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.judging import TestGroup
from domain.model import TestCase, TestResult
from domain.verdict import Verdict
from sandbox import SandboxError
from tests.unit.domain.grouped import Made, in_turn, submissions
from workers.run import skipped
from workers.work import Work


def of(*groups: TestGroup, cases: str, stop: bool = False) -> Work:
    """The work, held, with a test case for each letter: a group's name, or `.` for none."""
    made = tuple(TestCase(n, str(n), group=one if one != "." else None) for n, one in enumerate(cases))
    work = Work(made, stop_on_first_failure=stop, groups=groups)
    work.changed.acquire()
    return work


def passed(index: int) -> TestResult:
    return TestResult(index, Verdict.AC)


def failed(index: int) -> TestResult:
    return TestResult(index, Verdict.WA, "stdout")


def told(work: Work) -> list[str]:
    letters = {Verdict.AC: "y", Verdict.WA: "n", None: "-"}
    found = [work.result(index) for index in range(len(work.cases))]
    return [letters[result.verdict] if result is not None else "?" for result in found]


def ended(work: Work, found: TestResult | SandboxError, index: int = -1) -> None:
    """Have one test case run, whatever else there is to do."""
    index = found.ordinal if isinstance(found, TestResult) else index
    others = []
    while (one := work.take()) != index:
        assert one is not None, f"{index} is not to be run"
        others.append(one)
    for one in others:
        work.put_back(one)
    work.settle(index, found)


def taken(work: Work) -> list[int]:
    found = []
    while (index := work.take()) is not None:
        found.append(index)
    return found


def test_a_failure_skips_the_rest_of_its_group_alone() -> None:
    work = of(TestGroup("a", stop_on_first_failure=True), TestGroup("b"), cases="aabba.")
    ended(work, failed(0))
    assert taken(work) == [2, 3, 5]
    for index in (2, 3, 5):
        work.settle(index, failed(index))
    assert told(work) == ["n", "-", "n", "n", "-", "n"]


def test_what_requires_a_failed_group_is_skipped() -> None:
    groups = (TestGroup("a"), TestGroup("b", requires=("a",)), TestGroup("c", requires=("b",)))
    work = of(*groups, cases="aabc.")
    ended(work, failed(1))
    assert taken(work) == [0, 4]
    work.settle(0, passed(0))
    work.settle(4, passed(4))
    assert told(work) == ["y", "n", "-", "-", "y"]


def test_the_inner_groups_of_a_skipped_group_are_skipped() -> None:
    groups = (TestGroup("a"), TestGroup("b", requires=("a",)), TestGroup("c", parent="b"))
    work = of(*groups, cases="ac")
    ended(work, failed(0))
    assert taken(work) == []


def test_a_failure_within_skips_the_rest_of_the_group_around_it() -> None:
    groups = (TestGroup("a", stop_on_first_failure=True), TestGroup("b", parent="a"), TestGroup("c", parent="a"))
    work = of(*groups, cases="bbcca.")
    ended(work, failed(0))
    assert taken(work) == [5]


def test_a_failure_that_was_run_ahead_counts_only_where_it_would_have_been_met() -> None:
    groups = (
        TestGroup("a"),
        TestGroup("p", stop_on_first_failure=True),
        TestGroup("b", parent="p", requires=("a",)),
        TestGroup("c", parent="p"),
    )
    work = of(*groups, cases="abc")
    assert (work.take(), work.take()) == (0, 1)
    work.settle(1, failed(1))
    assert work.take() is None  # so far as is known, it will not be wanted
    work.settle(0, failed(0))
    assert work.take() == 2
    work.settle(2, passed(2))
    assert told(work) == ["n", "-", "y"]


def test_the_first_failure_of_the_whole_may_still_end_it_all() -> None:
    work = of(TestGroup("a"), cases="aa.", stop=True)
    ended(work, failed(0))
    assert told(work) == ["n", "-", "-"]


def test_an_error_of_ours_that_would_never_have_been_met_is_not() -> None:
    work = of(TestGroup("a", stop_on_first_failure=True), cases="aa.")
    ended(work, SandboxError("no jail"), 1)
    ended(work, failed(0))
    assert taken(work) == [2]
    assert work.result(1) == skipped(work.cases[1])


def test_a_doubt_that_is_not_wanted_keeps_nobody_waiting() -> None:
    work = of(TestGroup("a", stop_on_first_failure=True), cases="aa..")
    assert (work.take(), work.take()) == (0, 1)
    work.doubt(1, failed(1))
    assert not work.may_share()
    work.settle(0, failed(0))
    assert work.may_share()
    assert work.take_doubted() is None


@given(submissions(), st.booleans(), st.integers(0, 1000))
def test_in_whatever_order_they_end_it_is_as_if_in_turn(made: Made, stop: bool, seed: int) -> None:
    groups, cases, results = made
    random = Random(seed)  # noqa: S311 - an order, no secret
    known = random.sample(range(len(cases)), random.randrange(len(cases)) // 2)
    work = Work(cases, stop_on_first_failure=stop, groups=groups, known={index: results[index] for index in known})
    work.changed.acquire()
    running: list[int] = []
    found: list[TestResult] = []
    while len(found) < len(cases):
        if (result := work.result(len(found))) is not None:
            found.append(result)
        elif running and random.random() < 0.5:
            index = running.pop(random.randrange(len(running)))
            if work.wants(index) or random.random() < 0.5:
                work.settle(index, results[index])
            else:
                work.put_back(index)
        elif (index_taken := work.take()) is not None:
            assert work.wants(index_taken)
            running.append(index_taken)
        else:
            assert running, "nobody runs what is waited for"

    def shown(one: TestResult) -> tuple[Verdict | None, str | None]:
        return one.verdict, one.reason

    assert list(map(shown, found)) == list(map(shown, in_turn(groups, cases, results, stop=stop)))
