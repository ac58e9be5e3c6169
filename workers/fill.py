"""Put files into a box."""

from collections.abc import Iterable

from domain.model import File
from sandbox import BoxFiles, SandboxError


def fill(box: BoxFiles, files: Iterable[File]) -> None:
    """Write the files of a submission. Raises SandboxError: what was accepted must fit, so it is no fault of theirs."""
    for file in files:
        try:
            box.write(file.path, file.content, file.mode)
        except OSError as error:
            raise SandboxError(f"{file.path!r} cannot be put into the box: {error.strerror}") from error
