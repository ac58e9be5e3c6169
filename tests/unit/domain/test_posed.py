"""A version as submissions are judged by it, and how much of them a process keeps."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain import posed
from domain.limits import Constraints, Range, Ranges
from domain.payload import Payload
from domain.posed import Posed
from domain.problem import ProblemCase, ProblemVersion

CASE = ProblemCase(0, "one", Payload(inline=b"x" * 1000), None)
VERSION = ProblemVersion("sum", "Sum", (CASE,), constraints=Constraints(timeout_ms=1000, memory_mb=64))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("python", (1000, 64)), ("cpp", (2000, 64)), ("cpp@17", (2000, 128)), ("cpp@20", (2000, 64))],
)
def test_constraints_of_a_language_lie_over_those_of_all(language: str, expected: tuple[int, int]) -> None:
    changed = {"cpp": {"timeout_ms": 2000}, "cpp@17": {"memory_mb": 128}}

    found = Posed.of(replace(VERSION, language_constraints=changed)).constraints_for(language)

    assert (found.timeout_ms, found.memory_mb) == expected


@pytest.mark.parametrize(
    ("languages", "allowed"),
    [((), {"c", "cpp", "cpp@17"}), (("cpp",), {"cpp", "cpp@17"}), (("cpp@17", "c"), {"c", "cpp@17"})],
)
def test_a_name_allows_its_versions(languages: tuple[str, ...], allowed: set[str]) -> None:
    found = Posed.of(replace(VERSION, languages=languages))

    assert {language for language in ("c", "cpp", "cpp@17") if found.allows(language)} == allowed


@pytest.mark.parametrize(("most_ms", "refused"), [(50_000, True), (60_000, False)])
def test_one_test_case_gives_no_more_time_than_the_sender_may_have(most_ms: int, refused: bool) -> None:
    found = Posed.of(replace(VERSION, test_cases=(CASE, replace(CASE, ordinal=1, name="two", timeout_ms=60_000))))

    wrong = posed._beyond(found, "python", Ranges(timeout_ms=Range(10_000, 10, most_ms)))

    assert ["timeout_ms = 60000" in problem.message for problem in wrong] == [True] * refused


def test_what_was_used_last_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Posed.of(VERSION)
    monkeypatch.setattr(posed, "MOST_BYTES", 2 * one.size_bytes)
    known = posed._Known()
    ids = [UUID(int=n) for n in range(3)]

    for own_id in ids[:2]:
        known.keep(own_id, one)
    assert known.get(ids[0]) is one
    known.keep(ids[2], one)

    assert [known.get(own_id) for own_id in ids] == [one, None, one]
