"""The running platform against its own OpenAPI document: whatever fits it, or breaks it, is answered without a 5xx."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Err
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from standalone.stack import Stack

EXAMPLES = 25
TIMEOUT_S = 90
"""Longer than the API holds an answer."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
RUNNABLE: dict[str, Any] = {"language": "python", "source": {"type": "code", "content": "print(input())"}}
OPERATIONS = [
    ("GET", "/"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/health"),
    ("GET", "/v1/languages"),
    ("GET", "/v1/submissions"),
    ("POST", "/v1/submissions"),
    ("POST", "/execute"),
    ("GET", "/v1/submissions/{submission_id}"),
    ("GET", "/v1/submissions/{submission_id}/events"),
    ("GET", "/v1/submissions/{submission_id}/results/{ordinal}/{stream}"),
    ("GET", "/v1/submissions/{submission_id}/compile_output"),
    ("GET", "/v1/submissions/{submission_id}/artifacts/{ordinal}/{path}"),
]


@pytest.fixture(scope="session")
def document(stack: Stack) -> BaseSchema:
    """The document as the platform serves it."""
    return schemathesis.openapi.from_url(f"{stack.url}/openapi.json")


def test_every_operation_is_tested_here(document: BaseSchema) -> None:
    documented = {
        (found.ok().method.upper(), found.ok().path)
        for found in document.get_all_operations()
        if not isinstance(found, Err)
    }

    assert documented == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_platform_keeps_to_its_document(method: str, path: str, document: BaseSchema, stack: Stack) -> None:
    operation = document[path][method]
    key = {"Authorization": f"Bearer {stack.api_key}"}

    @given(st.one_of([operation.as_strategy(mode) for mode in GenerationMode]), st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps_to_it(case: Case[Any], be_runnable: bool) -> None:
        if be_runnable and isinstance(case.body, dict):
            # What is made of nothing but the document seldom has a source that can be run.
            case.body |= RUNNABLE
        response = case.call(headers=key, timeout=TIMEOUT_S)
        case.validate_response(response, checks=CHECKS, headers=key)

    keeps_to_it()
