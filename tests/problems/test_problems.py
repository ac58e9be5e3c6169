"""Every golden submission, through the HTTP API, comes to the verdict and the reason that its package says."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests
from tests.problems.golden import Golden, differences, load

from standalone.stack import Stack
from tests.measuring import unmeasured

GOLDEN = load()
AT_ONCE = 6
"""Enough that no slot waits for the next submission, and few enough that no answer is held too long."""
PATIENCE_S = 120
HIDDEN_KEYS = {"name", "is_hidden", "verdict", "reason", "points", "usage"}
HIDDEN_REASONS = {None, "cpu", "wall", "memory", "output", "runtime"}
NOT_JUDGED = {"CE"}

Execution = Mapping[str, object]


@pytest.fixture(scope="session", params=["warm", "cold"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform with jails that stand ready, and one that makes each when it is asked for."""
    if request.param == "warm":
        yield request.getfixturevalue("stack")
        return
    environ = {"SHIPD_NETWORK": "off", "SHIPD_POOL_MB": "0"}
    with unmeasured():
        running = Stack(tmp_path_factory.mktemp("cold-stack"), environ=environ, durable=False)
    with running:
        yield running


@pytest.fixture(scope="session")
def executions(platform: Stack, request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Execution]]]:
    """Send all that were selected, some at once; each test waits for its own."""
    selected = {
        item.callspec.params["golden"].id: item.callspec.params["golden"]
        for item in request.session.items
        if "executions" in item.fixturenames
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(graded, platform, golden) for name, golden in selected.items()}
        pool.shutdown(cancel_futures=True)


def graded(stack: Stack, golden: Golden) -> Execution:
    """Send one and wait until it is done."""
    deadline = time.monotonic() + PATIENCE_S
    with requests.Session() as session:
        session.trust_env = False  # the API is on this machine: no proxy
        session.headers["Authorization"] = f"Bearer {stack.api_key}"
        answer = session.post(f"{stack.url}/v1/submissions", params={"wait": 60}, json=golden.body, timeout=90)
        assert answer.status_code == 201, answer.text
        submission = answer.json()
        while submission["execution"]["state"] not in {"done", "cancelled"}:
            assert time.monotonic() < deadline, f"still {submission['execution']['state']} after {PATIENCE_S} s"
            answer = session.get(f"{stack.url}/v1/submissions/{submission['id']}", params={"wait": 30}, timeout=90)
            assert answer.status_code == 200, answer.text
            submission = answer.json()
    return submission["execution"]


@pytest.mark.parametrize("golden", GOLDEN, ids=[golden.id for golden in GOLDEN])
def test_it_comes_to_what_its_package_says(
    golden: Golden, executions: Mapping[str, Future[Execution]], request: pytest.FixtureRequest
) -> None:
    execution = executions[golden.id].result()
    assert (execution["verdict"], execution["reason"]) == (golden.verdict, golden.reason), account(execution)
    results = execution["test_results"]
    if golden.tests is not None:
        assert [said(result) for result in results] == list(golden.tests)
    assert list(differences(golden.shows, execution)) == []
    assert golden.says in f"{execution['compile_output']}\n{execution['message']}"
    check_whole(execution, golden)
    for result in results:
        check_result(result)
        if request.node.callspec.params["platform"] == "cold" and result.get("telemetry"):
            assert result["telemetry"]["mode"] == "cold"


def account(execution: Execution) -> str:
    """Say what became of it, for whoever reads the failure."""
    shown = {key: execution[key] for key in ("compile_output", "message")}
    results = [
        {**result, "telemetry": None, "stdout": str(result.get("stdout"))[:200]} for result in execution["test_results"]
    ]
    return "\n".join([str(shown), *map(str, results)])


def check_whole(execution: Execution, golden: Golden) -> None:
    """Check what holds for any finished execution."""
    results, cases = execution["test_results"], golden.body["test_cases"]
    if execution["verdict"] in NOT_JUDGED:
        assert results == []
        assert execution["compile_output"] or execution["message"]
        return
    assert [result["name"] for result in results] == ([case["name"] for case in cases] or ["run"])
    judged = [result["verdict"] for result in results if result["verdict"]]
    passed = [verdict for verdict in judged if verdict in {"AC", "OK"}]
    assert (execution["tests_run"], execution["tests_passed"]) == (len(judged), len(passed))
    assert execution["all_tests_passed"] is (len(passed) == len(results))
    copied = results[0] if len(results) == 1 and not results[0]["is_hidden"] else {}
    for name in ("exit_code", "stdout", "stderr"):
        assert execution[name] == copied.get(name)


def check_result(result: Mapping[str, object]) -> None:
    """Check what holds for any test result."""
    if result["is_hidden"]:
        assert set(result) == HIDDEN_KEYS
        assert result["reason"] in HIDDEN_REASONS
    if result["verdict"] is None:
        assert result["reason"] == (None if result["is_hidden"] else "skipped")
        return
    usage = result["usage"]
    assert usage["cpu_time_ms"] >= 0
    assert usage["wall_time_ms"] >= 0
    assert usage["memory_bytes"] > 0


def said(result: Mapping[str, object]) -> str:
    return " ".join(str(part) for part in (result["verdict"], result["reason"]) if part)
