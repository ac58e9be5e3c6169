from dataclasses import fields, replace

import pytest

from domain.model import RunTelemetry, Usage
from sandbox import Counters
from sandbox.fake import SPENT
from workers.convert import milliseconds, telemetry_of, usage_of


@pytest.mark.parametrize(("microseconds", "rounded"), [(0, 0), (1, 1), (1000, 1), (1001, 2), (1_999_999, 2000)])
def test_any_part_of_a_millisecond_above_a_limit_shows(microseconds: int, rounded: int) -> None:
    assert milliseconds(microseconds) == rounded


def test_usage() -> None:
    spent = replace(SPENT, cpu_time_us=1500, wall_time_us=2500, memory_bytes=7, source="sampled")
    assert usage_of(spent) == Usage(2, 3, 7, "sampled")


def test_memory_may_be_unknown() -> None:
    assert usage_of(replace(SPENT, memory_bytes=None)).memory_bytes is None


def test_what_was_not_counted_is_unknown_and_never_zero() -> None:
    assert telemetry_of(SPENT, None) == RunTelemetry(prepare_us=0, mode="cold")


def test_what_was_counted_is_told_with_its_source() -> None:
    counted = [
        field.name for field in fields(Counters) if field.name not in {"sources", "cpu_user_us", "cpu_system_us"}
    ]
    seen = Counters(
        cpu_user_us=1999,
        cpu_system_us=0,
        sources={"bytes_read": "proc"},
        **{name: at for at, name in enumerate(counted)},
    )
    told = telemetry_of(replace(SPENT, counters=seen, prepare_us=5), 3)
    assert [getattr(told, name) for name in counted] == list(range(len(counted)))
    assert (told.cpu_user_ms, told.cpu_system_ms, told.slot, told.prepare_us) == (1, 0, 3, 5)
    assert told.sources == {"bytes_read": "proc"}
