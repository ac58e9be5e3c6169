"""What tests of several packages use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, values

from domain import counting, metrics


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CollectorRegistry]:
    """Numbers kept in a folder, as a program's are; nothing of them is left in this process."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    (tmp_path / "counter_1.db").write_bytes(b"of an earlier run")
    counting.begin(tmp_path)
    yield metrics.collected()
    counting.end()
