"""The running platform against its own OpenAPI document: whatever fits it, or breaks it, is answered as it says.

Each operation that the document has is tested, whoever adds one: it is read here from an application that serves
nobody, and the first test sees that it is the one that the platform serves.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Err
from schemathesis.schemas import BaseSchema

from app import create_app
from domain import keys
from domain.db import Database
from domain.settings import Settings
from standalone.stack import Stack

EXAMPLES = 25
TIMEOUT_S = 90
"""Longer than the API holds an answer."""
NOWHERE = "redis://127.0.0.1:1/0"

RUNNABLE: dict[str, Any] = {"language": "python", "source": {"type": "code", "content": "print(input())"}}
OF_SEQUENCES = {"use_after_free", "ensure_resource_availability", "object_level_authorization"}
"""Checks of several calls, one after the other, which are not made here."""
OF_WHAT_DOES_NOT = "negative_data_rejection"
OF_WHAT_FITS = "positive_data_acceptance"
"""Not of bodies and places: a schema cannot say that an entry point is a source, or that somebody gave a place."""
METHODS = ("get", "put", "post", "delete", "patch")


@schemathesis.serializer("application/zip")
def _archive(_: schemathesis.SerializationContext, value: object) -> bytes:
    """Send bytes as they are: hardly ever a zip, and to be refused as nicely as any other nonsense."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def offline_document() -> dict[str, Any]:
    """The document, of an application whose servers are nowhere."""
    made = create_app(Settings(database_url="postgresql://127.0.0.1:1/none", redis_url=NOWHERE, broker_url=NOWHERE))
    with made.test_client() as client:
        document: dict[str, Any] = client.get("/openapi.json").get_json()
        return document


OPERATIONS = [
    (method.upper(), path)
    for path, operations in offline_document()["paths"].items()
    for method in METHODS
    if method in operations
]


@pytest.fixture(scope="session")
def document(stack: Stack) -> BaseSchema:
    """The document as the platform serves it."""
    return schemathesis.openapi.from_url(f"{stack.url}/openapi.json")


@pytest.fixture
def key(stack: Stack) -> Iterator[str]:
    """A key of this test's own: an operation may end the one that it is used with."""
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        made = keys.create(db, name="schemathesis", role="admin")
        yield made
        keys.revoke(db, made.split("_")[1])


def test_it_is_the_document_that_is_served(document: BaseSchema, stack: Stack) -> None:
    served = requests.get(f"{stack.url}/openapi.json", timeout=TIMEOUT_S).json()
    documented = {
        (found.ok().method.upper(), found.ok().path)
        for found in document.get_all_operations()
        if not isinstance(found, Err)
    }

    assert served["openapi"].startswith("3.1.")
    assert served["paths"].keys() == offline_document()["paths"].keys()
    assert documented == set(OPERATIONS)


@pytest.fixture(scope="session")
def there(stack: Stack) -> dict[str, Any]:
    """What stands in the place of parameters that are made up: those of a submission that was graded."""
    asked = RUNNABLE | {"test_cases": [{"input": "x"}, {"is_hidden": True}], "outputs": ["*"]}
    answer = stack.client.post("/v1/submissions?wait=60", asked)
    assert answer.status == 201
    return {"submission_id": answer.body["id"], "ordinal": 0, "path": "main.py"}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_platform_keeps_to_its_document(
    method: str, path: str, document: BaseSchema, key: str, there: dict[str, Any]
) -> None:
    operation = document[path][method]
    # Judge0's own header stands in the place of ours there; of both, one that is right is enough.
    headers = {"X-Auth-Token": key} if path.startswith("/compat/judge0/") else {"Authorization": f"Bearer {key}"}

    @given(st.one_of([operation.as_strategy(mode) for mode in GenerationMode]), st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps_to_it(case: Case[Any], be_runnable: bool) -> None:
        assume([] not in (case.query or {}).values())  # taken for a parameter, but nothing is sent for it
        made_to_fit = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        if be_runnable and made_to_fit:
            # What is made of nothing but the document is seldom there, and seldom has a source that can be run.
            case.path_parameters = {
                name: there.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
            if isinstance(case.body, dict):
                case.body |= {"submissions": [RUNNABLE, RUNNABLE]} if path == "/v1/batches" else RUNNABLE
        response = case.call(headers=headers, timeout=TIMEOUT_S)
        case.validate_response(response, checks=applying(case), headers=headers)

    keeps_to_it()


def applying(case: Case[Any]) -> list[Any]:
    """The checks that apply to one call."""
    left_out = set(OF_SEQUENCES)
    if (
        isinstance(case.body, dict | bytes)
        or case.media_type == "application/zip"
        or {"cursor", "after"} & set(case.query or {})
    ):
        left_out.add(OF_WHAT_FITS)
    if case.path == "/v1/batches" and isinstance(case.body, dict) and isinstance(case.body.get("submissions"), list):
        left_out.add(OF_WHAT_DOES_NOT)  # an item that is wrong is refused by itself, within a 201
    return [check for check in CHECKS.get_all() if check.__name__ not in left_out]
