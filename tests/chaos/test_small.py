"""A small run: that the proof can be had at all, and that three faults cost nothing. The large ones: `make chaos`."""

import shutil
from pathlib import Path

from rich.console import Console

from standalone.programs import TREE
from tests.chaos import report, whole
from tests.chaos.plan import Fault
from tests.chaos.platform import Times

SEED = 5
QUICK = Times(lease_s=3, sweep_s=1, message_lost_s=3)
FAULTS = (Fault.WORKER_KILLED, Fault.REDIS_EMPTIED, Fault.POSTGRES_RESTARTED)
LANGUAGES = {"python.toml", "c.toml"}
"""More of them make workers slow to start, and the small run no better."""


def configs(folder: Path) -> Path:
    """Give the languages' files, but for most of them."""
    shutil.copytree(TREE / "jail-configs", folder)
    for path in (folder / "languages").glob("*.toml"):
        if path.name not in LANGUAGES:
            path.unlink()
    return folder


def test_nothing_is_lost_doubled_wrong_or_left(tmp_path: Path) -> None:
    console = Console(record=True, quiet=True)
    jail_configs = configs(tmp_path / "jail-configs")
    found, left = whole.execute(tmp_path, SEED, 60, FAULTS, console=console, times=QUICK, jail_configs=jail_configs)
    assert found.wrong == []
    assert left == []
    assert {struck.strike.fault for struck in found.struck} == set(FAULTS)
    said = report.counts(found)
    assert (said["accepted"], said["finished"]) == (60, 60)
    assert report.is_good(found, left)
