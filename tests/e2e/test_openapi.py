"""The running platform against its own OpenAPI document: whatever fits it, or breaks it, is answered without a 5xx."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from standalone.stack import Stack

EXAMPLES = 20
TIMEOUT_S = 90
"""Longer than the API holds an answer."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.fixture(scope="session")
def document(stack: Stack) -> schemathesis.BaseSchema:
    """The document as the platform serves it."""
    return schemathesis.openapi.from_url(f"{stack.url}/openapi.json")


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_platform_keeps_to_its_document(case: Case, stack: Stack) -> None:
    key = {"Authorization": f"Bearer {stack.api_key}"}

    response = case.call(headers=key, timeout=TIMEOUT_S)

    case.validate_response(response, checks=CHECKS, headers=key)
