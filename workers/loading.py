"""Load the data of one test case of a stored problem, when it is run: never more of a problem is in memory."""

from dataclasses import replace

from domain.blobs import BlobDamaged, BlobMissing, BlobStore
from domain.model import TestCase
from sandbox import SandboxError


def loaded(case: TestCase, blobs: BlobStore) -> TestCase:
    """Give a test case with its data; only of a stored problem it is not at hand. Raises SandboxError, OSError."""
    kept = case.kept
    if kept is None:
        return case
    try:
        expected = replace(
            case.expected,
            stdout=None if kept.expected_stdout is None else kept.expected_stdout.load(blobs),
            files=tuple(file.load(blobs) for file in kept.expected_files),
        )
        files = tuple(file.load(blobs) for file in kept.files)
        return replace(case, stdin=kept.stdin.load(blobs) or b"", files=files, expected=expected, kept=None)
    except (BlobMissing, BlobDamaged) as error:
        raise SandboxError(f"the data of test case {case.name!r} cannot be read: {error}") from error
