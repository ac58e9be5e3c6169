"""A small run: that the proof can be had at all, and that three faults cost nothing. The large ones: `make chaos`."""

from pathlib import Path

from rich.console import Console

from tests.chaos import report, whole
from tests.chaos.plan import Fault
from tests.chaos.platform import Times

SEED = 5
QUICK = Times(lease_s=3, sweep_s=1, message_lost_s=3)
FAULTS = (Fault.WORKER_KILLED, Fault.REDIS_EMPTIED, Fault.POSTGRES_RESTARTED)


def test_nothing_is_lost_doubled_wrong_or_left(tmp_path: Path) -> None:
    console = Console(record=True, quiet=True)
    found, left = whole.execute(tmp_path, SEED, 60, FAULTS, console=console, times=QUICK)
    assert found.wrong == []
    assert left == []
    assert {struck.strike.fault for struck in found.struck} == set(FAULTS)
    said = report.counts(found)
    assert (said["accepted"], said["finished"]) == (60, 60)
    assert report.is_good(found, left)
