"""Jails that stand ready: when there are some, when not, and what becomes of them."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sandbox import Command, Jails, PoolConfig, RunAborted, Sandbox, SandboxConfig, SandboxError, Slot, always
from sandbox.cgroup_v1 import GroupV1
from sandbox.cgroup_v2 import GroupV2
from sandbox.kind import Kind
from sandbox.pool import Pool
from sandbox.rack import Rack
from sandbox.series import Series
from sandbox.warm import Rerun, Warm
from tests.jail.conftest import TREE
from tests.jail.running import MIB, PYTHON, STAND_PATIENCE_S, Ask, answer, limits, run_in
from tests.waiting import eventually

TRUE = Ask(Command(("/usr/bin/true",), "strict"), limits())
PLAIN = Kind.of(TRUE.command, ())
TEXT = Ask(
    Command((PYTHON, "-B", "main.py"), "python", interpreter="python"), limits(), {"main.py": (b"print(1)", 0o644)}
)
INTERPRETER = Kind.of(TEXT.command, ())
Make = Callable[..., Sandbox]


@pytest.fixture
def make(configs: dict[str, SandboxConfig]) -> Iterator[Make]:
    """Make sandboxes with pools of a test's own, all of one instance."""
    made: list[Sandbox] = []

    def one(**changed: object) -> Sandbox:
        config = replace(configs["warm"], pool=replace(PoolConfig(wait_s=STAND_PATIENCE_S), **changed))  # type: ignore[arg-type] # any of them
        made.append(Sandbox(config))
        made[-1].start_pool()
        return made[-1]

    yield one
    for sandbox in made:
        sandbox.stop_pool()


def sizes(sandbox: Sandbox) -> Counter[str]:
    """Count the jails by state."""
    found = Counter[str]()
    for (_, state), count in pool_of(sandbox).sizes_by_kind().items():
        found[state] += count
    return found


def pool_of(sandbox: Sandbox) -> Pool:
    assert sandbox.pool is not None
    return sandbox.pool


def mode(jails: Jails, slot: Slot, ask: Ask = TRUE) -> str:
    done = run_in(jails, slot, ask).result
    assert done.exit_code == 0
    return done.mode


def stand(sandbox: Sandbox, slot: Slot, kind: Kind = PLAIN) -> None:
    assert pool_of(sandbox).warm(slot, kind, STAND_PATIENCE_S)


def test_what_was_asked_for_stands_ready_the_next_time(make: Make) -> None:
    sandbox = make()
    with sandbox.slot() as slot:
        assert mode(sandbox, slot) in {"cold", "warm"}  # it may be made in the time that we wait
        stand(sandbox, slot)
        assert [mode(sandbox, slot) for _ in range(3)] == ["warm"] * 3
    stats = pool_of(sandbox).stats
    assert stats.hits >= 3
    assert stats.made >= 3
    assert stats.acquire_s > 0
    assert stats.make_s > 0


def test_the_states_are_counted(make: Make) -> None:
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        assert sizes(sandbox) == Counter(ready=1, taken=0, making=0)
        with sandbox.jail(slot, limits(), MIB, command=TRUE.command):
            assert sizes(sandbox)["taken"] == 1


def test_without_a_pool_everything_is_cold(sandboxes: dict[str, Sandbox]) -> None:
    plain = sandboxes["cgroup"]
    with plain.slot() as slot, plain.series(slot, TRUE.command) as jails:
        assert (jails, mode(jails, slot)) == (plain, "cold")


def test_what_cannot_be_made_ahead_is_made_cold(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> Warm:
        raise SandboxError("no")

    monkeypatch.setattr(Rerun, "next", fails)
    monkeypatch.setattr("sandbox.pool.BROKEN_PAUSE_S", 600.0)
    sandbox = make()
    with sandbox.slot() as slot:
        assert [mode(sandbox, slot), mode(sandbox, slot)] == ["cold", "cold"]
    assert pool_of(sandbox).stats.broken == 1  # and is left alone for a while
    assert pool_of(sandbox).stats.misses == 2


def test_a_thread_that_ended_is_no_end_of_grading(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rack, "drop_unused_for", lambda *_: 1 / 0)
    sandbox = make(wait_s=0.1)
    with sandbox.slot() as slot:
        assert mode(sandbox, slot) == "cold"
        pool_of(sandbox)._thread.join(STAND_PATIENCE_S)
        assert mode(sandbox, slot) == "cold"


def test_a_kind_that_nobody_asks_for_is_let_go(make: Make) -> None:
    sandbox = make(ttl_s=2.0)  # longer than it takes to be made, which counts
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        pool = pool_of(sandbox)
        with pool._changed:
            assert pool._changed.wait_for(lambda: not pool._rack.shelves, STAND_PATIENCE_S)


def test_what_stands_stays_within_its_memory(make: Make) -> None:
    sandbox = make(memory_bytes=13 * MIB)
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        stand(sandbox, slot, INTERPRETER)
        assert [shelf.kind for shelf in pool_of(sandbox)._rack.shelves] == [INTERPRETER]


def test_more_stand_ready_the_more_are_asked_for(make: Make) -> None:
    sandbox = make(most_per_kind=3)
    with sandbox.slot() as slot:
        mode(sandbox, slot)
        stand(sandbox, slot)
        pool_of(sandbox).stats.make_s = 100.0 * pool_of(sandbox).stats.made  # as if each took that long to be made
        for _ in range(3):
            pool_of(sandbox).forecasts[PLAIN].rate = 1.0
            mode(sandbox, slot)
        assert sum(sizes(sandbox).values()) == 3


def test_who_takes_the_slot_next_ends_what_stood_there(make: Make) -> None:
    first, second = make(), make()
    with first.slot() as slot:
        stand(first, slot)
        [shelf] = pool_of(first)._rack.shelves
        assert shelf.ready is not None
        nsjail = psutil.Process(shelf.ready.standing.pid).parents()[1]
    with second.slot():
        assert not nsjail.is_running() or nsjail.status() == psutil.STATUS_ZOMBIE
    with first.slot() as slot:
        assert mode(first, slot) in {"cold", "warm"}
        stand(first, slot)
        assert mode(first, slot) == "warm"


def test_an_nsjail_that_was_killed_is_replaced(make: Make) -> None:
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        [shelf] = pool_of(sandbox)._rack.shelves
        assert isinstance(shelf.maker, Rerun)
        shelf.maker.process.process.kill()
        shelf.maker.process.process.wait()
        assert [mode(sandbox, slot) for _ in range(2)] == ["warm", "warm"]


def test_after_a_run_that_was_broken_off_the_next_hears_nothing_of_it(make: Make) -> None:
    sandbox = make()
    event = os.eventfd(1, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    with sandbox.slot() as slot:
        stand(sandbox, slot, INTERPRETER)
        with sandbox.jail(slot, limits(), MIB, command=TEXT.command) as jail:
            jail.box.write("main.py", b"while True: pass")
            with pytest.raises(RunAborted):
                jail.run(TEXT.command, limits(), event)
        os.close(event)
        stand(sandbox, slot, INTERPRETER)
        assert mode(sandbox, slot, TEXT) == "warm"


def test_a_jail_that_was_not_used_is_thrown_away(make: Make) -> None:
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot, INTERPRETER)
        with sandbox.jail(slot, limits(), MIB, command=TEXT.command) as jail:
            jail.box.write("left", b"")
        stand(sandbox, slot, INTERPRETER)
        looking = replace(TEXT, files={"main.py": (b"import os; print(os.listdir())", 0o644)})
        assert run_in(sandbox, slot, looking).result.stdout == b"['main.py']\n"


@contextmanager
def a_series(sandbox: Sandbox, ask: Ask, wanted: Callable[[], bool] = always) -> Iterator[tuple[Slot, Series]]:
    with sandbox.slot() as slot:
        stand(sandbox, slot, replace(Kind.of(ask.command, ()), launcher=True))
        with sandbox.series(slot, ask.command, wanted=wanted) as jails:
            assert isinstance(jails, Series)
            yield slot, jails


@pytest.mark.parametrize("ask", [TRUE, TEXT], ids=["executed", "copied"])
def test_a_series_is_of_jails_within_one(make: Make, ask: Ask) -> None:
    with a_series(make(), ask) as (slot, jails):
        assert [mode(jails, slot, ask) for _ in range(5)] == ["inner"] * 5


def test_after_the_last_run_of_a_series_no_jail_is_made_and_one_more_is_served_all_the_same(make: Make) -> None:
    sandbox, left = make(), [True]
    with a_series(sandbox, TRUE, lambda: bool(left)) as (slot, jails):
        assert mode(jails, slot) == "inner"
        made = pool_of(sandbox)
        assert made.sizes_by_kind()["series", "idle"] == 0
        left.clear()
        assert mode(jails, slot) == "inner"
        assert made.sizes_by_kind()["series", "idle"] == 1
        before = made.counted().made
        assert mode(jails, slot) == "inner"
        assert made.counted().made == before + 1
        assert made.sizes_by_kind()["series", "idle"] == 1


def refuse_entrances(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (GroupV1, GroupV2):
        monkeypatch.setattr(kind, "let_in", lambda *_: [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)])


def test_no_interpreter_is_started_outside_of_its_control_group(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_entrances(monkeypatch)
    sandbox = make()
    with sandbox.slot() as slot:
        assert not pool_of(sandbox).warm(slot, INTERPRETER, 2)
    eventually(lambda: pool_of(sandbox).counted().broken == 1)
    assert sum(sizes(sandbox).values()) == 0


@pytest.mark.parametrize("ask", [TRUE, TEXT], ids=["executed", "copied"])
def test_no_program_of_a_series_runs_outside_of_its_control_group(
    make: Make, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    with a_series(make(), ask) as (slot, jails):
        refuse_entrances(monkeypatch)
        with pytest.raises(SandboxError, match="init failed at entering its control group"):
            for _ in range(3):  # one stood already
                mode(jails, slot, ask)


def test_another_process_that_tidies_up_leaves_what_stands_ready(make: Make) -> None:
    sandbox = make()
    config = sandbox.config
    forgets = (
        "import sys; from pathlib import Path; from sandbox import Sandbox, SandboxConfig;"
        "Sandbox(SandboxConfig(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), slots=int(sys.argv[4]))).forget()"
    )
    places = (config.instance, str(config.state_dir), str(config.jail_configs), str(sandbox.slots.count))
    argv = [sys.executable, "-c", forgets, *places]
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        subprocess.run(argv, check=True, cwd=TREE)
        assert mode(sandbox, slot) == "warm"
        stand(sandbox, slot)
    subprocess.run(argv, check=True, cwd=TREE)
    with sandbox.slot() as again:
        assert again == slot
        assert mode(sandbox, again) == "warm"


def test_each_jail_of_a_series_has_a_uid_of_its_own(make: Make) -> None:
    text = replace(TEXT, files={"main.py": (b"import os; print(os.getuid())", 0o644)})
    with a_series(make(), text) as (slot, jails):
        said = {run_in(jails, slot, text).result.stdout for _ in range(4)}
        assert said == {b"%d\n" % uid for uid in range(1000, 1004)}


def nothing_within_stands(pool: Pool) -> bool:
    """Whether what stood in a jail that makes jails has died with it, and none is being made any more."""
    with pool._changed:
        ready = [one.ready for one in pool._rack.shelves if one.kind.series]
        return all(one is not None and not one.alive for one in ready)


def test_a_series_whose_launcher_is_gone_goes_on_without(make: Make) -> None:
    sandbox = make()
    with a_series(sandbox, TEXT) as (slot, jails):
        assert mode(jails, slot, TEXT) == "inner"
        outer = next(one.ready for one in pool_of(sandbox)._rack.shelves if one.taken)
        assert outer is not None
        os.kill(outer.standing.pid, signal.SIGKILL)
        eventually(lambda: nothing_within_stands(pool_of(sandbox)))
        assert {mode(jails, slot, TEXT) for _ in range(2)} <= {"warm", "cold"}


def test_what_a_series_cannot_serve_is_given_another_jail(make: Make) -> None:
    sandbox = make()
    with a_series(sandbox, TEXT) as (slot, jails):
        assert mode(jails, slot, TRUE) in {"warm", "cold"}
        assert mode(jails, slot, replace(TEXT, limits=limits(memory_bytes=jails.least_bytes))) in {"warm", "cold"}
        assert mode(jails, slot, replace(TEXT, on_disk=True)) == "cold"
        assert not jails.slot_wanted()
        assert jails.others_busy(slot) is False
        with jails.spare_slot() as spare:
            assert spare is not None
        with jails.series(slot, TRUE.command) as others:
            assert mode(others, slot) in {"warm", "cold", "inner"}


def test_answers_come_from_the_sandbox_itself_too(make: Make) -> None:
    assert answer(make(), TRUE).result.exit_code == 0


def test_a_box_is_as_large_as_was_asked_for(make: Make) -> None:
    fill = b"import os, sys\ntry: open('x', 'wb').write(bytes(3 << 20))\nexcept OSError as e: print(e.errno)"
    asked = replace(TEXT, files={"main.py": (fill, 0o644)}, disk_bytes=2 * MIB)
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot, INTERPRETER)
        assert run_in(sandbox, slot, asked).result.stdout == b"28\n"
    with a_series(sandbox, asked) as (slot, jails):
        assert run_in(jails, slot, asked).result.stdout == b"28\n"


def test_a_box_cannot_be_made_smaller_than_what_is_in_it(make: Make) -> None:
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot)
        with sandbox.jail(slot, limits(), 8192, command=TRUE.command) as jail:
            jail.box.write("large", bytes(MIB))
            with pytest.raises(OSError, match="Invalid argument"):
                jail.run(TRUE.command, limits())


def test_nobody_runs_any_more_when_the_result_is_here(make: Make) -> None:
    """Though init may: its end is waited for by the pool."""
    text = b"import os\nfor _ in range(30):\n if os.fork() == 0:\n  while True: pass\nos._exit(0)"
    sandbox = make()
    with sandbox.slot() as slot:
        stand(sandbox, slot, INTERPRETER)
        with sandbox.jail(slot, TEXT.limits, MIB, command=TEXT.command) as jail:
            jail.box.write("main.py", text)
            result = jail.run(TEXT.command, TEXT.limits)
            group = jail.standing.group
            assert isinstance(group, GroupV1 | GroupV2)
            folder = group.paths["pids"] if isinstance(group, GroupV1) else group.path
            assert int(Path(folder, "pids.current").read_text()) <= 1  # the program itself, where init has not ended
    assert (result.exit_code, result.mode) == (0, "warm")
