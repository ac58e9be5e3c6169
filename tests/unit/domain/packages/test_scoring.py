"""Groups and points of scoring problems, of both formats."""

from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from domain.judging import Aggregation, TestGroup
from domain.problem import ProblemVersion
from tests.unit.domain.packages.trees import CURRENT, Files, read, told

NEW = {"problem.yaml": CURRENT + "type: scoring\n"}
OLD = {"problem.yaml": "name: x\ntype: scoring\n"}


def cases(*names: str) -> dict[str, str]:
    return {f"data/{name}{suffix}": "1" for name in names for suffix in (".in", ".ans")}


def version(files: Files, folder: Path) -> ProblemVersion:
    return read(files, folder).version


def groups(found: ProblemVersion) -> dict[str, TestGroup]:
    return {group.name: group for group in found.judging.groups}


def points(found: ProblemVersion) -> dict[str, float | None]:
    return {case.name: case.points for case in found.test_cases}


def test_a_pass_fail_problem_has_no_groups(tmp_path: Path) -> None:
    found = version({"problem.yaml": "name: x"} | cases("secret/a/1", "secret/b/1"), tmp_path)
    assert found.judging.groups == ()
    assert {case.group for case in found.test_cases} == {None}


def test_a_hundred_points_are_shared_out(tmp_path: Path) -> None:
    found = version(NEW | cases("sample/1", "secret/1", "secret/2", "secret/g/1"), tmp_path)
    assert points(found) == {
        "sample/1": None,
        "secret/1": pytest.approx(100 / 3),
        "secret/2": pytest.approx(100 / 3),
        "secret/g/1": None,
    }
    assert groups(found) == {
        "sample": TestGroup("sample", None, Aggregation.ALL_OR_NOTHING, 0.0),
        "secret": TestGroup("secret", None, Aggregation.SUM, 100.0),
        "secret/g": TestGroup("secret/g", "secret", Aggregation.ALL_OR_NOTHING, 100 / 3, stop_on_first_failure=True),
    }
    assert not found.stop_on_first_failure


@pytest.mark.parametrize("file", ["test_group.yaml", "testdata.yaml"])
def test_groups_say_what_they_are_worth(file: str, tmp_path: Path) -> None:
    said = {
        f"data/secret/1/{file}": "scoring: {score: 30, aggregation: sum}",
        f"data/secret/2/{file}": "scoring: {score: 70, aggregation: min, require_pass: [sample, secret/1, secret/9]}",
    }
    imported = read(NEW | said | cases("sample/1", "secret/1/a", "secret/1/b", "secret/2/a"), tmp_path)
    found = groups(imported.version)
    assert (found["secret/1"].points, found["secret/1"].aggregation) == (30.0, Aggregation.SUM)
    assert found["secret/2"].requires == ("sample", "secret/1")
    assert points(imported.version) == {"sample/1": None, "secret/1/a": 15, "secret/1/b": 15, "secret/2/a": 70}
    assert len(told(imported, "require_pass")) == 1


def test_the_words_of_2025_are_the_same(tmp_path: Path) -> None:
    said = {
        "data/secret/1/test_group.yaml": "{max_score: 30, score_aggregation: sum}",
        "data/secret/2/test_group.yaml": "{max_score: 70, score_aggregation: min, require_pass: secret/1}",
    }
    found = groups(version(NEW | said | cases("secret/1/a", "secret/1/b", "secret/2/a"), tmp_path))
    assert (found["secret/1"].points, found["secret/1"].aggregation) == (30, Aggregation.SUM)
    assert (found["secret/2"].points, found["secret/2"].aggregation) == (70, Aggregation.MIN)
    assert found["secret/2"].requires == ("secret/1",)


def test_the_whole_may_be_worth_anything(tmp_path: Path) -> None:
    said = {"data/secret/test_group.yaml": "scoring: {score: unbounded}"}
    found = version(NEW | said | cases("secret/1"), tmp_path)
    assert groups(found)["secret"].points is None
    assert points(found) == {"secret/1": None}


@pytest.mark.parametrize("score", ["120", "-1", "much"])
def test_points_that_cannot_be_are_refused(score: str, tmp_path: Path) -> None:
    said = {"data/secret/1/test_group.yaml": f"scoring: {{score: {score}}}"}
    with pytest.raises(InvalidRequest, match=r"scoring\.score"):
        read(NEW | said | cases("secret/1/a"), tmp_path)


def test_an_aggregation_that_nobody_knows_is_reported(tmp_path: Path) -> None:
    said = {"data/secret/test_group.yaml": "scoring: {aggregation: median}\nstatic_validation: true\nwhat: x"}
    imported = read(NEW | said | cases("secret/1"), tmp_path)
    assert len(told(imported, "data/secret")) == 3


ECHO = {
    "data/sample/testdata.yaml": "accept_score: 0",
    "data/secret/testdata.yaml": "on_reject: continue\nrange: 0 2\ngrader_flags: first_error accept_if_any_accepted",
    "data/secret/subtask1/testdata.yaml": "on_reject: break\naccept_score: 1\nrange: 0 1\ngrader_flags: min",
    "data/secret/subtask2/testdata.yaml": "on_reject: break\naccept_score: 1\nrange: 0 1\ngrader_flags: min",
}


def test_subtasks_of_the_old_format(tmp_path: Path) -> None:
    names = ("sample/1", "secret/subtask1/1", "secret/subtask1/2", "secret/subtask2/1")
    found = version(OLD | ECHO | cases(*names), tmp_path)
    assert groups(found) == {
        "sample": TestGroup("sample", None, Aggregation.ALL_OR_NOTHING, 0.0, stop_on_first_failure=True),
        "secret": TestGroup("secret", None, Aggregation.SUM, 2.0),
        "secret/subtask1": TestGroup(
            "secret/subtask1", "secret", Aggregation.ALL_OR_NOTHING, 1.0, stop_on_first_failure=True
        ),
        "secret/subtask2": TestGroup(
            "secret/subtask2", "secret", Aggregation.ALL_OR_NOTHING, 1.0, stop_on_first_failure=True
        ),
    }
    assert set(points(found).values()) == {None}


def test_without_flags_all_must_pass_in_the_old_format(tmp_path: Path) -> None:
    found = version(
        OLD | {"data/testdata.yaml": "grader_flags: ignore_sample"} | cases("sample/1", "secret/1", "secret/2"),
        tmp_path,
    )
    assert groups(found)["sample"].points == 0
    secret = groups(found)["secret"]
    assert (secret.aggregation, secret.points, secret.stop_on_first_failure) == (Aggregation.ALL_OR_NOTHING, 2.0, True)


@pytest.mark.parametrize(
    ("flags", "aggregation", "each", "whole"),
    [
        ("always_accept sum", Aggregation.SUM, 10.0, 20.0),
        ("always_accept avg", Aggregation.SUM, 5.0, 10.0),
        ("always_accept min", Aggregation.MIN, 10.0, 10.0),
        ("sum", Aggregation.ALL_OR_NOTHING, None, 20.0),
        ("min", Aggregation.ALL_OR_NOTHING, None, 10.0),
    ],
)
def test_graders_by_their_flags(
    flags: str, aggregation: Aggregation, each: float | None, whole: float, tmp_path: Path
) -> None:
    said = {"data/secret/testdata.yaml": f"accept_score: 10\ngrader_flags: {flags}\non_reject: continue"}
    found = version(OLD | said | cases("secret/1", "secret/2"), tmp_path)
    secret = groups(found)["secret"]
    assert (secret.aggregation, secret.points, points(found)["secret/1"]) == (aggregation, whole, each)


def test_what_graders_do_that_groups_do_not_is_reported(tmp_path: Path) -> None:
    said = {
        "data/secret/testdata.yaml": "grading: custom\ngrader_flags: always_accept max odd\nreject_score: 1",
        "graders/g.py": "x",
    }
    imported = read(OLD | said | cases("secret/1", "secret/2"), tmp_path)
    assert [len(told(imported, part)) for part in ("grading", "grader_flags", "reject_score", "graders")] == [
        1,
        2,
        1,
        1,
    ]


def test_a_validator_that_scores(tmp_path: Path) -> None:
    files = {
        "problem.yaml": "type: scoring\nvalidation: custom score\ngrading: {objective: min}",
        "output_validators/v.py": "x",
        "data/secret/testdata.yaml": "range: 0 50",
    }
    imported = read(files | cases("secret/1"), tmp_path)
    secret = groups(imported.version)["secret"]
    assert (secret.aggregation, secret.points) == (Aggregation.SUM, 50.0)
    assert points(imported.version) == {"secret/1": None}
    assert len(told(imported, "grading")) == 1


def test_what_groups_leave_is_shared_by_the_others(tmp_path: Path) -> None:
    said = {"data/secret/g/test_group.yaml": "scoring: {score: 30}"}
    found = version(NEW | said | cases("secret/1", "secret/2", "secret/g/1"), tmp_path)
    assert points(found) == {"secret/1": 35, "secret/2": 35, "secret/g/1": None}
