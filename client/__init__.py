"""The platform's HTTP API from Python: typed, thin, the same for `with` and `async with`.

It knows the API and nothing of what stands behind it: no module of this tree is imported here (checked by
import-linter), so that it could be published alone. Needs httpx, and rich for progress bars.

    from client import Client, code

    with Client("http://127.0.0.1:8000", "shipd_...") as shipd:
        done = shipd.submit({"language": "python", "source": code("print(input())")}, wait=30)
        print(done["execution"]["verdict"])

`AsyncClient` has the same methods, to be awaited. What is refused is an exception with the list of problems; 429, 503
and broken connections are tried again, and never make a submission twice.
"""

from client.aio import AsyncClient
from client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    Problem,
    ShipdClientError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from client.flows import Policy
from client.models import (
    Batch,
    BatchItem,
    Event,
    Execution,
    Language,
    Submission,
    SubmissionRequest,
    TestCase,
    TestResult,
    to_bytes,
)
from client.sources import archive, code, files, folder, git
from client.sync import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Batch",
    "BatchItem",
    "Client",
    "Conflict",
    "Event",
    "Execution",
    "Forbidden",
    "InvalidRequest",
    "Language",
    "NotFound",
    "Policy",
    "Problem",
    "ShipdClientError",
    "Submission",
    "SubmissionRequest",
    "TestCase",
    "TestResult",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "archive",
    "code",
    "files",
    "folder",
    "git",
    "to_bytes",
]
