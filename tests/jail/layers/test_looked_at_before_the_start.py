"""Each thing that confines a program, left out once: it is found out from outside, and nothing runs (fail closed)."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import Command, Sandbox, SandboxConfig, SandboxError
from sandbox.cgroup_v1 import GroupV1
from sandbox.cgroup_v2 import GroupV2
from sandbox.sampled import SampledGroup
from tests.jail.conftest import ROOT
from tests.jail.layers import weaken
from tests.jail.running import PYTHON, Ask, answer, limits

# nsjail sets no_new_privs too; without it a filter takes a capability.
ADDED = ['cap: "CAP_SYS_ADMIN"', weaken.NOTHING_ABOUT_PRIVILEGES]
HELLO = Ask(Command((PYTHON, "-c", "print('ran')"), "python"), limits())

CONFINED = "static int set_limits(const struct order *order, int which)\n{"

# What is left out of init's source -> what the refusal names.
LEFT_OUT: Mapping[str, tuple[Mapping[str, str], str]] = {
    "capabilities": ({"static int drop_capabilities(void)\n{": "    return 0;"}, "Cap(Eff|Prm|Inh|Amb)"),
    "bounding set": ({"static int empty_bounding_set(void)\n{": "    return 0;"}, "CapBnd"),
    "no_new_privs": ({**weaken.KEEPS_CAPABILITIES, **weaken.NO_NEW_PRIVILEGES_LEFT_OUT}, "NoNewPrivs"),
    "filter": (weaken.NO_FILTER_INSTALLED, "Seccomp"),
}
# An ordinary user has one identity only, and groups that nobody can drop.
LEFT_OUT_AS_ROOT: Mapping[str, tuple[Mapping[str, str], str]] = {
    "user": ({"static int change_identity(const struct request *head)\n{": "    return head == NULL;"}, "Uid"),
    "group": ({"    if (head->drop_groups && setgroups(0, NULL) != 0)\n        return -1;": weaken.USER_ALONE}, "Gid"),
    "groups": (
        {"    if (head->drop_groups && setgroups(0, NULL) != 0)\n        return -1;": weaken.ONE_GROUP},
        "Groups",
    ),
}
ALL = {**LEFT_OUT, **LEFT_OUT_AS_ROOT} if ROOT else LEFT_OUT


@pytest.mark.parametrize(("edits", "named"), ALL.values(), ids=ALL.keys())
def test_it_is_named_and_nothing_runs(
    config: SandboxConfig, tmp_path: Path, edits: Mapping[str, str], named: str
) -> None:
    sandbox = weaken.with_init(config, tmp_path, edits, ADDED)
    with pytest.raises(SandboxError, match=f"not confined as it must be: .*'{named}'"):
        answer(sandbox, HELLO)


def test_the_hosts_network_is_named_and_nothing_runs(config: SandboxConfig, tmp_path: Path) -> None:
    sandbox = weaken.with_nsjail(config, tmp_path, {"clone_newnet: true": "clone_newnet: false"})
    with pytest.raises(SandboxError, match="not in the network namespace that it must be in"):
        answer(sandbox, HELLO)


@pytest.mark.parametrize(
    ("entrance", "refusal"),
    [(None, "not in the control group that it must be in"), (os.O_RDONLY, "init failed at entering its control group")],
)
def test_whoever_is_in_no_control_group_does_not_run(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, entrance: int | None, refusal: str
) -> None:
    def let_in(_group: object, _pid: int) -> list[int]:
        return [] if entrance is None else [os.open(os.devnull, entrance | os.O_CLOEXEC)]

    for kind in (GroupV1, GroupV2, SampledGroup):
        monkeypatch.setattr(kind, "let_in", let_in)
    with pytest.raises(SandboxError, match=refusal):
        answer(Sandbox(config), HELLO)


def test_an_edited_init_that_leaves_nothing_out_runs(config: SandboxConfig, tmp_path: Path) -> None:
    """The edits are what is found out above, not that there are any."""
    sandbox: Sandbox = weaken.with_init(config, tmp_path, {CONFINED: "    (void)0;"}, ADDED)
    assert answer(sandbox, HELLO).result.stdout == b"ran\n"
