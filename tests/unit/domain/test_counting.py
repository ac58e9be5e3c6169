import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from domain import counted, counting, metrics, prometheus
from domain.settings import Settings
from tests.forked import forked
from tests.unit.domain.counting_while_forking import FORKS, PATIENCE_S
from tests.waiting import eventually


def _told(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_it_counts_by_labels(shared: CollectorRegistry) -> None:
    counted.REQUESTS.add("python", "AC")
    counted.REQUESTS.add("python", "AC", by=2)
    counted.REQUESTS.add("cpp", "WA")
    assert _told(shared, "execution_requests_total", language="python", status="AC") == 3
    assert _told(shared, "execution_requests_total", language="cpp", status="WA") == 1


def test_nothing_counted_is_known_so_that_the_first_is_one_more(shared: CollectorRegistry) -> None:
    assert _told(shared, "shipd_leases_expired_total") is None
    counted.LEASES_EXPIRED.add(by=0)
    assert _told(shared, "shipd_leases_expired_total") == 0


def test_times_and_levels(shared: CollectorRegistry) -> None:
    with counted.DATABASE.timed("read"):
        pass
    counted.LISTENERS.change(2, "sse")
    counted.LISTENERS.change(-1, "sse")
    assert _told(shared, "shipd_database_seconds_count", kind="read") == 1
    assert _told(shared, "shipd_listeners", way="sse") == 1


def test_where_nobody_asks_nothing_is_made() -> None:
    counted.REQUESTS.add("python", "AC")
    counted.LISTENERS.set(1, "sse")
    counted.DATABASE.note(1.0, "read")
    assert not any(number._made or number._children for number in counting.KNOWN.values())


def test_a_number_that_cannot_be_kept_stops_the_counting_and_nothing_else(
    shared: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted.SWEPT.add()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(counted.SWEPT, "_of", full)
    monkeypatch.setattr(counted.DATABASE, "_of", full)
    with capture_logs() as said:
        counted.SWEPT.add()
        with counted.DATABASE.timed("read"):
            pass
        counted.LISTENERS.set(1, "sse")
    assert _told(shared, "shipd_sweeps_total") == 1
    assert _told(shared, "shipd_listeners", way="sse") is None
    assert [(one["event"], one["number"]) for one in said] == [("counting_stopped", "shipd_sweeps")]


def test_commands_need_not_load_what_keeps_numbers() -> None:
    program = "import sys; from app import cli; print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_a_process_counted_stays_and_what_it_had_does_not(shared: CollectorRegistry) -> None:
    counted.REQUESTS.add("python", "AC")

    def count() -> None:
        counted.REQUESTS.add("python", "AC")
        counted.LISTENERS.set(5, "sse")

    pid = forked(count)
    os.waitpid(pid, 0)
    assert _told(shared, "execution_requests_total", language="python", status="AC") == 2
    assert _told(shared, "shipd_listeners", way="sse") is None
    assert not list(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob(f"gauge_live*_{pid}.db"))


def test_a_child_is_never_left_with_a_lock_that_nobody_holds(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    program = [sys.executable, "-m", "tests.unit.domain.counting_while_forking", str(tmp_path / "numbers")]
    subprocess.run(program, env=environ, check=True, timeout=PATIENCE_S)
    assert len(list((tmp_path / "numbers").glob("counter_*.db"))) == 1 + FORKS


def _ask(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_several_processes_may_answer_on_one_port_and_others_may_not(shared: CollectorRegistry) -> None:
    del shared
    counted.SWEPT.add()
    with socket.socket() as chosen:
        chosen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
        metrics.serve(metrics.bind("127.0.0.1", port, shared=True))
        metrics.serve(metrics.bind("127.0.0.1", port, shared=True))
        assert "shipd_sweeps_total 1.0" in eventually(lambda: _ask(port))
        with pytest.raises(OSError, match="Address already in use"):
            metrics.bind("127.0.0.1", port)


def test_a_program_whose_port_is_taken_leaves_the_numbers_of_who_has_it(
    shared: CollectorRegistry, tmp_path: Path
) -> None:
    del shared
    settings = Settings("postgresql://h/d", "redis://h", "redis://h", state_dir=tmp_path, host_name="here")
    kept = tmp_path / "metrics-beat-here" / "counter_1.db"
    kept.parent.mkdir()
    kept.touch()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="Address already in use"):
        prometheus.answer(settings, "beat", taken.getsockname()[1])
    assert kept.exists()


def test_who_was_forgotten_by_another_meanwhile_is_forgotten(
    shared: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shared
    counted.LISTENERS.set(1, "sse")
    remove = os.remove

    def removed_before(path: str) -> None:
        remove(path)
        remove(path)

    monkeypatch.setattr(os, "remove", removed_before)
    metrics.forget(os.getpid())


def test_a_clock_that_is_set_makes_no_other_server_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = metrics.folder_beside(tmp_path)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: 1.0)
    assert metrics.folder_beside(tmp_path) == before


def test_a_folder_belongs_to_the_server_that_started_a_process(tmp_path: Path) -> None:
    gone, reused = tmp_path / "999999999-1", tmp_path / f"{os.getpid()}-1"
    for folder in (gone, reused):
        folder.mkdir()
    own = metrics.folder_beside(tmp_path)
    own.mkdir()

    assert own.name.startswith(f"{os.getppid()}-")
    assert metrics.folder_beside(tmp_path) == own
    assert [path.name for path in tmp_path.iterdir()] == [own.name]
