"""A clock that is off leaves the monotonic one, and what waits by it, as they are."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos import platform

ASKS = """
import threading, time
begun = time.monotonic()
time.sleep(0.05)
threading.Event().wait(0.05)
threading.Condition().acquire()
print(time.time(), time.monotonic() - begun)
"""


@pytest.mark.skipif(not platform.wrong_clock_possible(), reason="needs faketime: apt-get install faketime")
def test_time_is_off_and_waiting_is_not(tmp_path: Path) -> None:
    environ = {**os.environ, **platform.wrong_clock(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ASKS], env=environ, capture_output=True, text=True, check=True)
    said, waited = map(float, done.stdout.split())
    assert 590 < said - time.time() < 610
    assert 0.1 <= waited < 10
