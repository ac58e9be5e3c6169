"""Batches over HTTP: sent at once, graded like any other, told as they end."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from standalone.stack import Stack

COUNT = 24
TIMEOUT_S = 90
Json = dict[str, Any]


def submission(number: int, **more: object) -> Json:
    return {
        "language": "python",
        "source": {"type": "code", "content": f"print(int(input()) + {number})"},
        "test_cases": [{"input": "1", "expected_output": str(number + 1)}],
        "priority": "bulk",
        **more,
    }


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {stack.api_key}"
        yield session


def results(http: requests.Session, url: str) -> Iterator[Json]:
    """Read a stream again and again, until the batch is done."""
    after: dict[str, str] = {}
    done = False
    while not done:
        done = http.get(url.removesuffix("/results"), timeout=TIMEOUT_S).json()["done"]
        with http.get(url, params=after, stream=True, timeout=TIMEOUT_S) as stream:
            for text in stream.iter_lines():
                line = json.loads(text)
                after = {"after": line["after"]}
                yield line


def test_every_item_is_graded_and_told(stack: Stack, http: requests.Session) -> None:
    secret = {"input": "1", "expected_output": "SECRET", "is_hidden": True}
    members = [submission(n) for n in range(COUNT)]
    members[3] |= {"language": "cobol"}
    members[5] |= {"test_cases": [secret]}

    batch = http.post(f"{stack.url}/v1/batches", json={"submissions": members}, timeout=TIMEOUT_S).json()
    lines = list(results(http, stack.url + batch["links"]["results"]))

    assert [item["status"] for item in batch["items"]] == [422 if n == 3 else 201 for n in range(COUNT)]
    assert sorted(line["index"] for line in lines) == [n for n in range(COUNT) if n != 3]
    verdicts = {line["index"]: line["submission"]["execution"]["verdict"] for line in lines}
    assert verdicts == {n: "WA" if n == 5 else "AC" for n in range(COUNT) if n != 3}
    done = http.get(f"{stack.url}{batch['links']['self']}?wait=10", timeout=TIMEOUT_S).json()
    assert (done["done"], done["verdicts"]["AC"], done["verdicts"]["WA"]) == (True, COUNT - 2, 1)
    page = http.get(f"{stack.url}{batch['links']['items']}?limit=10", timeout=TIMEOUT_S).json()
    assert "SECRET" not in json.dumps([lines, page])


def test_twenty_at_once_with_one_key_make_one_batch(stack: Stack, http: requests.Session) -> None:
    body = {"submissions": [submission(0), submission(1)]}
    key = {"Idempotency-Key": "one of twenty"}

    def send(_: int) -> tuple[int, Json]:
        answer = requests.post(
            f"{stack.url}/v1/batches?wait=60", json=body, headers={**http.headers, **key}, timeout=TIMEOUT_S
        )
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(send, range(20)))

    assert sorted(status for status, _ in answers) == [*[200] * 19, 201]
    assert len({answer["id"] for _, answer in answers}) == 1
    assert all(answer["done"] and answer["verdicts"]["AC"] == 2 for _, answer in answers)
