"""The data of a problem's test case while it is not loaded: by reference (pure, frozen)."""

from dataclasses import dataclass

from domain.document import Document
from domain.payload import Payload


@dataclass(frozen=True)
class KeptCase:
    """Input and expectation of a test case of a stored problem, loaded only by who runs it."""

    stdin: Payload
    expected_stdout: Payload | None = None
    files: tuple[Document, ...] = ()
    expected_files: tuple[Document, ...] = ()
