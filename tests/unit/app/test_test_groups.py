"""Test groups over HTTP: what is asked for, what is refused, and what answers show."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.judging import Aggregation, TestGroup
from domain.model import File, Submission, TestCase, TestResult
from domain.scoring import GroupScore
from domain.verdict import State, Verdict
from tests.shown import shown_result

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

Json = dict[str, object]


def kept(backend: "MemoryBackend") -> Submission:
    [submission] = backend.asked.values()
    return submission


def group(name: str, **fields: object) -> Json:
    return {"name": name, **fields}


def cases(*groups: str | None) -> list[Json]:
    return [{} if name is None else {"group": name} for name in groups]


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    inner = group("inner", parent="outer", aggregation="min", points=12.5, stop_on_first_failure=True)
    groups = [inner, group("outer", requires=["first"]), group("first", aggregation="pass-fail")]

    answer = api.submit(test_groups=groups, test_cases=cases("first", "inner", "label", None))

    assert answer.status == 201
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert execution["test_groups"] == []
    assert kept(backend).groups == (
        TestGroup("outer", requires=("first",)),
        TestGroup("first", aggregation=Aggregation.ALL_OR_NOTHING),
        TestGroup("inner", "outer", Aggregation.MIN, 12.5, stop_on_first_failure=True),
    )
    assert [case.group for case in kept(backend).test_cases] == ["first", "inner", "label", None]


def test_what_a_sum_is_worth_is_shared_among_its_test_cases(api: "Api", backend: "MemoryBackend") -> None:
    api.submit(test_groups=[group("a", points=10)], test_cases=[*cases("a", "a", None), {"group": "a", "points": 4}])

    assert [case.points for case in kept(backend).test_cases] == [3, 3, None, 4]


def faulty() -> Iterator[tuple[str, object, list[Json], str]]:
    yield "no list", {}, [], "test_groups"
    yield "no object", ["a"], [], "test_groups[0]"
    yield "no name", [{}], [], "test_groups[0].name"
    yield "empty name", [group("")], [], "test_groups[0].name"
    yield "unknown aggregation", [group("a", aggregation="max")], cases("a"), "test_groups[0].aggregation"
    yield "negative points", [group("a", points=-1)], cases("a"), "test_groups[0].points"
    yield "points as text", [group("a", points="1")], cases("a"), "test_groups[0].points"
    yield "unknown field", [group("a", max=1)], cases("a"), "test_groups[0].max"
    yield "too many", [group(str(n)) for n in range(201)], [], "test_groups"
    yield "the same name", [group("a"), group("a")], cases("a"), "test_groups[1].name"
    yield "unknown parent", [group("a", parent="b")], cases("a"), "test_groups[0].parent"
    yield "its own parent", [group("a", parent="a")], cases("a"), "test_groups[0].parent"
    yield "unknown requirement", [group("a", requires=["b"])], cases("a"), "test_groups[0].requires"
    yield "later requirement", [group("a", requires=["b"]), group("b")], cases("a", "b"), "test_groups[0].requires"
    yield "nothing in it", [group("a"), group("b")], cases("a"), "test_groups[1].name"
    yield "no test cases", [group("a")], [], "test_groups[0].name"
    yield "a wrong test case alone", [group("a")], [{"group": "a", "points": -1}], "test_cases[0].points"


@pytest.mark.parametrize(
    ("groups", "members", "named"), [row[1:] for row in faulty()], ids=[row[0] for row in faulty()]
)
def test_it_refuses(api: "Api", groups: object, members: list[Json], named: str) -> None:
    answer = api.submit(test_groups=groups, test_cases=members)

    assert (answer.status, list(answer.fields)) == (422, [named])


def test_an_answer_tells_what_each_group_earned(api: "Api", backend: "MemoryBackend") -> None:
    members = (TestCase(0, "1", group="a", points=5), TestCase(1, "2", group="b", is_hidden=True))
    groups = (TestGroup("a"), TestGroup("b"))
    view = backend.keep(Submission("c", (File("main.c", b""),), None, members, groups=groups))
    found = (TestResult(0, Verdict.AC, points=2.5), TestResult(1, Verdict.TLE, "cpu"))
    done = replace(
        view.execution,
        state=State.DONE,
        verdict=Verdict.TLE,
        results=tuple(map(shown_result, found)),
        points=2.5,
        groups=(GroupScore("a", None, Verdict.AC, 2.5, 5.0), GroupScore("b", "a", Verdict.TLE, None, None)),
    )
    backend.views[view.id] = replace(view, execution=done)

    execution = api.get(f"/v1/submissions/{view.id}").body["execution"]

    assert isinstance(execution, dict)
    assert execution["points"] == 2.5
    assert execution["test_groups"] == [
        {"name": "a", "parent": None, "verdict": "AC", "points": 2.5, "max_points": 5},
        {"name": "b", "parent": "a", "verdict": "TLE", "points": None, "max_points": None},
    ]
    assert [result["points"] for result in execution["test_results"]] == [2.5, None]
    assert isinstance(execution["test_groups"][0]["max_points"], int)
