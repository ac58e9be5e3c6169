"""Sending a submission and waiting for what came of it."""

from collections.abc import Mapping

from standalone.client import Client


def executed(client: Client, body: Mapping[str, object]) -> dict[str, object]:
    """Give the execution, which is done."""
    answer = client.post("/v1/submissions?wait=60", body)
    assert answer.status == 201, answer.body
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert execution["state"] == "done", execution
    return execution
