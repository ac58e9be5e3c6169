import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Command, Sandbox, SandboxConfig, SandboxError, jail, keeper
from sandbox.confinement import verify
from sandbox.init import signal_process
from sandbox.seccomp import Policies
from sandbox.slots import PROGRAM_UID
from tests.jail.conftest import CONFIGS
from tests.jail.running import MIB, PYTHON, Ask, answer, limits, run_in

# Where a part is missing or lies, nothing is run at all.

HELLO = Ask(Command((PYTHON, "-c", "print('ran')"), "python"), limits())


def test_nsjail_is_missing(config: SandboxConfig, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="nsjail is missing"):
        Sandbox(replace(config, nsjail=tmp_path / "nsjail"))


@pytest.mark.parametrize("content", ["#!/bin/true\n", "#!/bin/false\n", "no program"])
def test_nsjail_is_no_nsjail(config: SandboxConfig, tmp_path: Path, content: str) -> None:
    fake = tmp_path / "nsjail"
    fake.write_text(content)
    fake.chmod(0o755)
    with pytest.raises(SandboxError, match=r"nsjail made no jail|nsjail does not start"):
        answer(Sandbox(replace(config, nsjail=fake)), HELLO)


def test_nsjail_that_runs_its_command_bare_is_found_out(config: SandboxConfig, tmp_path: Path) -> None:
    fake = tmp_path / "nsjail"
    fake.write_text('#!/bin/bash\nwhile [ "$1" != --exec_file ]; do shift; done\nexec "$2" "$5"\n')
    fake.chmod(0o755)
    with pytest.raises(SandboxError, match="nsjail made no jail"):
        answer(Sandbox(replace(config, nsjail=fake)), HELLO)


def test_the_common_configuration_is_missing_or_wrong(config: SandboxConfig, tmp_path: Path) -> None:
    (tmp_path / "seccomp").symlink_to(CONFIGS / "seccomp")
    wrong = replace(config, jail_configs=tmp_path)
    with pytest.raises(SandboxError, match="common configuration cannot be read"):
        Sandbox(wrong)
    (tmp_path / "jail.cfg").write_text("no_such_option: true\n")
    with pytest.raises(SandboxError, match="nsjail made no jail"):
        answer(Sandbox(wrong), HELLO)


def test_a_folder_that_must_be_shown_is_missing(config: SandboxConfig, tmp_path: Path) -> None:
    (tmp_path / "seccomp").symlink_to(CONFIGS / "seccomp")
    text = (CONFIGS / "jail.cfg").read_text() + '\nmount { src: "/no/such" dst: "/such" is_bind: true }\n'
    (tmp_path / "jail.cfg").write_text(text)
    with pytest.raises(SandboxError, match=r"nsjail made no jail.*/no/such"):
        answer(Sandbox(replace(config, jail_configs=tmp_path)), HELLO)


def test_the_policy_is_unknown(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="'no-such' cannot be read"):
        answer(sandbox, Ask(Command((PYTHON,), "no-such"), limits()))


def test_the_filter_is_no_filter(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policies, "filter", lambda *_: b"\xff" * 64)
    with pytest.raises(SandboxError, match="init failed at seccomp: Invalid argument"):
        answer(sandbox, HELLO)


@pytest.mark.parametrize("content", [b"", b"\0" * 8 * 5000])
def test_the_filter_has_no_sensible_size(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(Policies, "filter", lambda *_: content)
    with pytest.raises(SandboxError, match="init failed at reading the request"):
        answer(sandbox, HELLO)


def test_the_program_would_be_somebody_else(sandbox: Sandbox) -> None:
    other = 0 if os.geteuid() == 0 else PROGRAM_UID + 1
    with (
        sandbox.slot() as slot,
        pytest.raises(SandboxError, match=r"not confined as it must be: .*Uid|init failed at setuid"),
    ):
        run_in(sandbox, replace(slot, uid_inside=other), HELLO)


def test_the_program_is_looked_at_before_it_is_let_go(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def look(pid: int, slot: object, _link: object) -> None:
        looked.append(Path(f"/proc/{pid}/comm").read_text().strip())
        raise SandboxError(f"not confined: {slot}")

    monkeypatch.setattr(jail, "verify", look)
    with pytest.raises(SandboxError, match="not confined"):
        answer(sandbox, HELLO)
    assert looked
    assert looked[0].startswith(("init", "3"))  # still init's child, not the program
    assert verify is not look


def test_an_order_that_is_too_large(sandbox: Sandbox) -> None:
    huge = Command((PYTHON, *("x" * 100_000 for _ in range(100))), "python")
    with pytest.raises(SandboxError):
        answer(sandbox, Ask(huge, limits()))


def test_a_jail_runs_one_command_only(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), MIB) as made:
        assert made.run(HELLO.command, limits()).stdout == b"ran\n"
        with pytest.raises(SandboxError, match="one command only"):
            made.run(HELLO.command, limits())


def test_a_jail_need_not_be_used(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), MIB) as made:
        made.box.write("x", b"1")


def test_an_error_while_it_is_filled_ends_it(sandbox: Sandbox) -> None:
    with (
        sandbox.slot() as slot,
        pytest.raises(OSError, match="No space left"),
        sandbox.jail(slot, limits(), MIB) as made,
    ):
        made.box.write("big", bytes(2 * MIB))


def test_init_that_is_killed_is_our_failure(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the host's own OOM killer could do."""
    register = keeper.Keeper._register

    def killed(self: keeper.Keeper) -> object:
        signal_process(self.handles.init, 9)
        return register(self)

    monkeypatch.setattr(keeper.Keeper, "_register", killed)
    with pytest.raises(SandboxError, match="init ended without a report"):
        answer(sandbox, HELLO)


def test_more_slots_than_the_host_has(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="does not fit a host of 2 slots"), sandbox.slot(3):
        pass


def test_several_slots_give_several_cpus(sandbox: Sandbox) -> None:
    text = "import os; print(len(os.sched_getaffinity(0)))"
    with sandbox.slot(2) as slot, sandbox.jail(slot, limits(cpu_millicores=2000), MIB) as made:
        result = made.run(Command((PYTHON, "-c", text), "python"), limits(cpu_millicores=2000))
    assert int(result.stdout) == min(2, len(os.sched_getaffinity(0)))
