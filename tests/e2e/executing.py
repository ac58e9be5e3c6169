"""Sending a submission and waiting for what came of it."""

from collections.abc import Mapping

from standalone.client import Client


def answered(client: Client, body: Mapping[str, object]) -> Mapping[str, object]:
    """Give the whole answer."""
    answer = client.post("/v1/submissions?wait=60", body)
    assert answer.status == 201, answer.body
    return answer.body


def executed(client: Client, body: Mapping[str, object]) -> dict[str, object]:
    """Give the execution, which is done."""
    return execution_of(answered(client, body))


def execution_of(answer: Mapping[str, object]) -> dict[str, object]:
    """Give the execution in an answer, which is done."""
    execution = answer["execution"]
    assert isinstance(execution, dict)
    assert execution["state"] == "done", execution
    return execution
