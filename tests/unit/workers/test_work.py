import pytest

from domain.model import TestCase, TestResult
from domain.verdict import Verdict
from sandbox import SandboxError
from workers.run import skipped
from workers.work import AHEAD_BYTES, MOST_DOUBTS, Work

CASES = tuple(TestCase(number, str(number)) for number in range(4))


def of(cases: tuple[TestCase, ...] = CASES, *, stop: bool = False) -> Work:
    """The work, held as whoever uses it must hold it."""
    work = Work(cases, stop_on_first_failure=stop)
    work.changed.acquire()
    return work


def passed(index: int, stdout: bytes = b"") -> TestResult:
    return TestResult(index, Verdict.AC, stdout=stdout)


def failed(index: int) -> TestResult:
    return TestResult(index, Verdict.WA, "stdout", stdout=b"no")


def test_each_is_taken_once_in_order() -> None:
    work = of()
    assert [work.take() for _ in range(5)] == [0, 1, 2, 3, None]
    assert not work.may_share()


def test_it_says_whether_anything_is_left_that_nobody_has() -> None:
    work = of()
    with work.changed:
        for _ in CASES:
            assert work.any_left() is True
            work.take()
        assert work.any_left() is False
        work.put_back(0)
        assert work.any_left() is True


def test_results_are_known_whatever_order_they_came_in() -> None:
    work = of()
    work.settle(1, passed(1))
    assert work.result(0) is None
    work.settle(0, failed(0))
    assert (work.result(0), work.result(1)) == (failed(0), passed(1))


def test_after_a_failure_later_results_are_skipped_though_they_are_there() -> None:
    work = of(stop=True)
    work.settle(2, passed(2))
    work.settle(1, failed(1))
    assert work.result(0) is None
    work.settle(3, passed(3))
    work.settle(0, passed(0))
    assert [work.result(index) for index in range(4)] == [passed(0), failed(1), skipped(CASES[2]), skipped(CASES[3])]


def test_an_earlier_failure_counts_though_it_came_later() -> None:
    work = of(stop=True)
    work.settle(2, failed(2))
    work.settle(0, failed(0))
    assert [work.result(index) for index in range(3)] == [failed(0), skipped(CASES[1]), skipped(CASES[2])]


def test_what_is_not_wanted_is_not_taken() -> None:
    work = of(stop=True)
    assert (work.take(), work.take()) == (0, 1)
    work.settle(1, failed(1))
    assert work.take() is None
    assert not work.may_share()


def test_an_error_of_ours_is_met_where_it_was_made() -> None:
    work = of()
    work.settle(1, SandboxError("no jail"))
    work.settle(0, passed(0))
    assert work.result(0) == passed(0)
    assert work.take(0) == 0  # nobody took it here; what comes after the error is left
    assert work.take() == 1
    assert work.take() is None
    with pytest.raises(SandboxError, match="no jail"):
        work.result(1)


def test_an_error_that_would_never_have_been_met_is_not() -> None:
    work = of(stop=True)
    work.settle(2, SandboxError("no jail"))
    work.settle(1, failed(1))
    work.settle(0, passed(0))
    assert [work.result(index) for index in range(3)] == [passed(0), failed(1), skipped(CASES[2])]


def test_what_is_put_back_is_taken_first() -> None:
    work = of()
    assert (work.take(), work.take()) == (0, 1)
    work.put_back(0)
    assert [work.take() for _ in range(4)] == [0, 2, 3, None]


def test_the_first_failure_of_the_whole_is_told() -> None:
    work = of()
    for error in (ValueError("first"), KeyError("second")):
        work.fail(error)
    assert work.take() is None
    with pytest.raises(ValueError, match="first"):
        work.result(0)


def test_nobody_runs_far_ahead() -> None:
    work = of()
    assert [work.take() for _ in range(3)] == [0, 1, 2]
    work.settle(1, passed(1, bytes(AHEAD_BYTES)))
    assert work.may_share()
    work.settle(2, passed(2, b"more"))
    assert not work.may_share()
    assert work.take(0) is None
    work.put_back(0)
    assert work.take(0) == 0  # what everybody waits for
    work.settle(0, passed(0))
    assert work.result(0) == passed(0)
    assert not work.may_share()
    work.result(1)
    assert work.may_share()
    assert work.take(2) == 3


def test_while_one_is_in_doubt_nothing_is_shared() -> None:
    work = of()
    assert work.take_doubted() is None
    assert work.take() == 0
    work.doubt(0, failed(0))
    assert not work.may_share()
    assert work.take_doubted() == (0, failed(0))
    assert work.take_doubted() is None
    assert not work.may_share()  # it is being run again
    work.put_back(0, failed(0))
    assert work.take_doubted() == (0, failed(0))
    work.settle(0, passed(0))
    assert work.may_share()


def test_a_doubt_behind_a_failure_is_forgotten() -> None:
    work = of(stop=True)
    assert (work.take(), work.take()) == (0, 1)
    work.doubt(1, failed(1))
    work.settle(0, failed(0))
    assert work.take_doubted() is None


def test_after_many_doubts_nothing_is_shared_any_more() -> None:
    work = of((*CASES, *CASES))
    for index in range(MOST_DOUBTS):
        assert work.may_share()
        assert work.take() == index
        work.doubt(index, failed(index))
        work.settle(index, failed(index))
    assert not work.may_share()
    assert work.take() == MOST_DOUBTS


def knowing(known: dict[int, TestResult], *, stop: bool = False) -> Work:
    work = Work(CASES, stop_on_first_failure=stop, known=known)
    work.changed.acquire()
    return work


def test_what_is_known_is_not_run() -> None:
    work = knowing({3: passed(3), 1: failed(1)})
    assert work.left() == [CASES[0], CASES[2]]
    assert [work.take() for _ in range(3)] == [0, 2, None]
    assert work.left() == []
    assert (work.result(1), work.result(3), work.result(0)) == (failed(1), passed(3), None)


def test_behind_a_failure_that_is_known_nothing_is_left() -> None:
    work = knowing({2: passed(2), 1: failed(1)}, stop=True)
    assert work.left() == [CASES[0]]
    assert work.result(2) == skipped(CASES[2])
    work.settle(0, passed(0))
    assert [work.result(index) for index in range(2)] == [passed(0), failed(1)]


def test_what_was_ever_in_doubt_stays_known() -> None:
    work = of()
    work.doubt(2, failed(2))
    work.settle(2, passed(2))
    assert work.doubted == {2}
