"""What decides the result of a test case, and for whom, as one hash (pure).

Left out is what a program cannot see and no result holds: names, points, groups, priority, metadata; and the seed of
an interpreter's hashes, which is another one every time: whoever asks for earlier runs says that it does not matter.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from domain.document import Document
from domain.judging import encode
from domain.kept_case import KeptCase
from domain.model import CheckerType, Claim, File, TestCase
from domain.payload import Payload
from workers.compile import Compiled
from workers.prepare import Plan, run_limits

FORMAT = 4
"""Counts up whenever what is kept, or how, changes."""


def base(claim: Claim, plan: Plan, compiled: Compiled, platform: Mapping[str, str]) -> bytes:
    """Hash what all test cases of an execution have in common.

    That is the sender (key and user), the program as it is put into boxes, its language, limits, checker and outputs,
    and `platform`: everything of the host and of ourselves that a result may depend on.
    """
    submission = plan.submission
    return _digest(
        {
            "format": FORMAT,
            "platform": dict(platform),
            "sender": [str(claim.owner_id), submission.user_id],
            "language": [repr(plan.language), plan.choice.version],
            "program": _files(compiled.files),
            "constraints": asdict(submission.constraints),
            "checker": [submission.checker.type, submission.checker.tolerance],
            "judging": _hash(encode(submission.judging) or b""),
            "outputs": submission.outputs,
        }
    )


def of_case(common: bytes, plan: Plan, compiled: Compiled, case: TestCase) -> bytes:
    """Hash what decides one test case: input and expectation, limits, the whole command; and whether it is hidden.

    A test case that its sender sees never shares with a hidden one, or a sender could guess at what is hidden: a hit
    would tell that the guess was right.
    """
    command = replace(plan.run_command(case, compiled.main_class), seed=None)
    return _digest(
        {
            "common": common.hex(),
            "command": [command.line, len(command.argv), command.environment, command.policy, command.interpreter],
            "limits": asdict(run_limits(plan.submission.constraints, case, plan.language)),
            **(_data(case) if case.kept is None else _kept_data(case.kept, case.expected.exit_code)),
            "checker": case.checker_arguments,
            # A checker may give a part of them: of others' results they are looked up again.
            "points": case.points if plan.submission.checker.type is CheckerType.PROGRAM else None,
            "is_hidden": case.is_hidden,
        }
    )


def _data(case: TestCase) -> Mapping[str, object]:
    expected = case.expected
    return {
        "stdin": _hash(case.stdin),
        "files": _files(case.files),
        "expected": [
            None if expected.stdout is None else _hash(expected.stdout),
            _files(expected.files),
            expected.exit_code,
        ],
    }


def _kept_data(kept: KeptCase, exit_code: int | None) -> Mapping[str, object]:
    """Give the same of what is not loaded, by the hashes under which it is kept."""
    expected = kept.expected_stdout
    return {
        "stdin": _kept_hash(kept.stdin),
        "files": _kept_files(kept.files),
        "expected": [
            None if expected is None else _kept_hash(expected),
            _kept_files(kept.expected_files),
            exit_code,
        ],
    }


def _digest(decides: Mapping[str, object]) -> bytes:
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).digest()


def _files(files: Sequence[File]) -> list[object]:
    return [[file.path, file.mode, _hash(file.content)] for file in files]


def _kept_files(files: Sequence[Document]) -> list[object]:
    return [[file.path, file.mode, _kept_hash(file.content)] for file in files]


def _kept_hash(payload: Payload) -> str:
    return payload.sha256.hex() if payload.sha256 is not None else _hash(payload.inline or b"")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
