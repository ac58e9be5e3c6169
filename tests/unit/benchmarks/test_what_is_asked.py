from itertools import pairwise
from pathlib import Path

import click
import pytest

from benchmarks.filling import BATCH, batches, submission_id, with_parts
from benchmarks.jails import names
from benchmarks.machine import cpu_model
from benchmarks.over_http import KINDS, Kind, body
from benchmarks.run import Ask, chosen
from benchmarks.standing import lacks

PARTS = Ask(Path(), 1, quick=True).parts


def test_everything_is_measured_unless_told_otherwise() -> None:
    assert chosen("", PARTS) == ["jail", "http", "control", "standing"]
    assert chosen("http, jail", PARTS) == ["http", "jail"]


def test_what_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(click.UsageError, match="there is no jails; there are jail, http, control, standing"):
        chosen("jails", PARTS)


def test_every_language_is_measured_bare_and_cold() -> None:
    known = set(names())
    assert {(language, mode) for language in ("cpp", "python", "java", "node") for mode in ("bare", "cold")} <= known


def test_no_two_submissions_have_one_source_but_where_a_cache_shall_help() -> None:
    anew, same = Kind("", "cpp", 10), Kind("", "cpp", 10, same_source=True)
    assert anew.body()["source"] != anew.body()["source"]
    assert same.body()["source"] == same.body()["source"]


def test_a_body_has_its_test_cases() -> None:
    made = body("python", 3, "7")
    assert made["test_cases"] == [
        {"input": "0 1", "expected_output": "1"},
        {"input": "1 2", "expected_output": "3"},
        {"input": "2 3", "expected_output": "5"},
    ]
    assert str(made["source"]).count("# 7") == 1


def test_the_kinds_of_submissions_are_those_that_are_promised() -> None:
    assert {"hello", "python_10", "cpp_10", "cpp_10_cached"} <= {
        kind.name for kind in KINDS if kind.clients == (1, 2, 8)
    }


def test_the_cpu_is_named_by_its_model() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n\nmodel name\t: Other\n") == "Some CPU @ 3 GHz"
    assert cpu_model("processor\t: 0\n") == "unknown"


def test_jails_without_room_are_not_begun() -> None:
    assert lacks(1, 4096) == ""
    assert "bytes of memory" in lacks(10, 1 << 60)
    assert "processes" in lacks(1 << 40, 1)


def test_batches_cover_a_range_once() -> None:
    found = batches(5, 2 * BATCH + 7)
    assert found[0][0] == 5
    assert found[-1][1] == 2 * BATCH + 7
    assert all(end == start for (_, end), (start, _) in pairwise(found))
    assert batches(3, 3) == []


def test_identities_grow_with_their_numbers() -> None:
    assert submission_id(1) < submission_id(2) < submission_id(300)
    assert submission_id(1).version == 7
    assert with_parts(29) == 20
