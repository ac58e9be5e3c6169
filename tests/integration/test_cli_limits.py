"""`shipd keys limit` on real servers."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from domain import keys
from domain.db import Database
from domain.key_limits import KeyLimits

Run = Callable[..., Result]


@pytest.fixture
def key(db: Database) -> str:
    return keys.create(db, name="someone", role="service")


def _limits(db: Database, key: str) -> KeyLimits:
    found = keys.verify(db, key)
    assert found is not None
    return found.limits


def test_limits_hold_from_then_on_and_what_is_not_named_stays(run: Run, db: Database, key: str) -> None:
    prefix = key.split("_")[1]

    assert run("keys", "limit", prefix, "--memory-mb", "64", "--rate", "5/second", "--at-once", "2").exit_code == 0
    result = run("keys", "limit", prefix, "--timeout-ms", "500", "--cpu-s-per-day", "60", "--json")

    expected = KeyLimits({"memory_mb": 64, "timeout_ms": 500}, "5/second", at_once=2, cpu_s_per_day=60)
    assert _limits(db, key) == expected
    assert json.loads(result.stdout) == {"prefix": prefix, "limits": expected.stored()}
    (listed,) = json.loads(run("keys", "list", "--json").stdout)["keys"]
    assert listed["limits"] == expected.stored()


def test_limits_are_forgotten_by_reset(run: Run, db: Database, key: str) -> None:
    prefix = key.split("_")[1]
    run("keys", "limit", prefix, "--memory-mb", "64", "--rate", "none")
    assert _limits(db, key).rate == ""

    result = run("keys", "limit", prefix, "--reset", "--test-cases", "5")

    assert _limits(db, key) == KeyLimits({"test_cases": 5})
    assert result.stdout == f"{prefix}: test_cases=5\n"
    assert run("keys", "limit", prefix, "--reset").stdout == f"{prefix}: those of the deployment\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--memory-mb", "3"), "memory_mb=3 is out of range; it must be a whole number from 4 to 8192"),
        (("--test-cases", "1001"), "test_cases=1001 is out of range"),
        (("--rate", "often"), "'often' is no rate; it must be up to 4 of `120/minute`"),
        (("--at-once", "0"), "at_once=0 is out of range"),
    ],
)
def test_what_is_out_of_range_is_refused(
    run: Run, db: Database, key: str, arguments: tuple[str, ...], told: str
) -> None:
    result = run("keys", "limit", key.split("_")[1], *arguments)

    assert (result.exit_code, _limits(db, key)) == (1, KeyLimits())
    assert told in result.output


def test_an_unknown_key_has_no_limits(run: Run) -> None:
    result = run("keys", "limit", "000000000000", "--at-once", "1")

    assert result.exit_code == 1
    assert "no key with the prefix" in result.output
