"""`"interactive": true`: for whom it is, and how long such a run may last."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.wiring import EXTENSION
from domain.limits import INTERACTIVE_WALL_MS, Range, Ranges
from domain.model import Submission
from domain.settings import Settings

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api

Sent = Callable[[], Submission]


@pytest.mark.parametrize(
    "cases", [None, [], [{}], [{"input": "", "expected_output": "x"}], [{"input": {"files": []}, "points": 1}]]
)
def test_it_works(api: "Api", sent: Sent, cases: object) -> None:
    answer = api.submit(interactive=True, **({} if cases is None else {"test_cases": cases}))
    assert (answer.status, answer.body["interactive"]) == (201, True)
    assert sent().interactive
    assert len(sent().test_cases) == 1


def test_a_run_is_not_interactive_unless_it_says_so(api: "Api", sent: Sent) -> None:
    answer = api.submit(interactive=False, test_cases=[{"input": "x"}, {}])
    assert (answer.status, answer.body["interactive"], sent().interactive) == (201, False, False)


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([{}, {}], "cannot be with 2 test cases"),
        ([{"input": "x"}], "cannot be with a test case that has stdin"),
        ([{"is_hidden": True}], "cannot be with a hidden test case"),
    ],
)
def test_it_refuses_what_cannot_be_typed(api: "Api", cases: list[object], words: str) -> None:
    answer = api.submit(interactive=True, test_cases=cases)
    assert (answer.status, answer.fields) == (422, {"interactive": words})


def test_other_faults_are_named_beside_it(api: "Api") -> None:
    answer = api.submit(interactive="yes", test_cases=[{"input": 1}])
    assert sorted(answer.fields) == ["interactive", "test_cases[0].input"]


@pytest.mark.parametrize(
    ("constraints", "cases", "wall_ms"),
    [
        ({}, [], INTERACTIVE_WALL_MS),
        ({"timeout_ms": 40_000}, [], 81_000),
        ({}, [{"timeout_ms": 50_000}], 101_000),
        ({"wall_timeout_ms": 5_000}, [], 5_000),
        ({"wall_timeout_ms": 600_000}, [], 600_000),
    ],
)
def test_people_have_a_minute_unless_the_request_says_otherwise(
    api: "Api", sent: Sent, constraints: dict[str, object], cases: list[object], wall_ms: int
) -> None:
    answer = api.submit(interactive=True, constraints=constraints, test_cases=cases)
    assert sent().constraints.wall_timeout_ms == wall_ms
    shown = answer.body["constraints"]
    assert isinstance(shown, dict)
    assert shown["wall_timeout_ms"] == wall_ms


def test_a_deployment_may_allow_less(
    settings: Settings, application: Flask, api: "Api", sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered = replace(settings, ranges=replace(Ranges(), wall_timeout_ms=Range(None, 10, 30_000)))
    here = application.extensions[EXTENSION]
    monkeypatch.setitem(application.extensions, EXTENSION, replace(here, settings=lowered))
    assert api.submit(interactive=True).status == 201
    assert sent().constraints.wall_timeout_ms == 30_000
