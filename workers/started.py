"""Whose fault it is that a program could not even be started."""

import errno
import os

from sandbox import RunResult, SandboxError

OWN_FAULTS = {errno.E2BIG, errno.ENOMEM, errno.EAGAIN}
"""Too many arguments, or too little memory or processes to start in: what the submission itself asked for."""


def refuse_what_did_not_start(program: str, result: RunResult) -> None:
    """Raise SandboxError for a compiler or interpreter that does not start; a submission's own program is its fault."""
    if result.exec_errno in {0, *OWN_FAULTS}:
        return
    if os.path.isabs(program):  # noqa: PTH117 - a path inside the jail, nothing is asked of it
        raise SandboxError(f"{program} cannot be started: {os.strerror(result.exec_errno)}")
