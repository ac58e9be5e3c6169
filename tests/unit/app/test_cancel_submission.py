import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from domain.model import File, Submission, TestCase, TestResult
from domain.roles import Scope
from domain.verdict import State, Verdict
from tests.unit.app.conftest import SERVICE, done

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

HELLO = Submission("python", (File("main.py", b""),), "main.py", (TestCase(0, "run"),))


def execution_of(body: dict[str, object]) -> dict[str, object]:
    found = body["execution"]
    assert isinstance(found, dict)
    return found


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)

    answer = api.delete(f"/v1/submissions/{view.id}")

    execution = execution_of(answer.body)
    assert answer.status == 200
    assert (execution["state"], execution["verdict"], execution["reason"]) == ("cancelled", None, None)
    assert execution["all_tests_passed"] is False
    assert api.get(f"/v1/submissions/{view.id}").body == answer.body


def test_results_stay_but_not_all_has_passed(api: "Api", backend: "MemoryBackend") -> None:
    running = replace(done(TestResult(0, Verdict.AC)), state=State.RUNNING, verdict=None, finished_at=None)
    view = backend.keep(HELLO, running)

    execution = execution_of(api.delete(f"/v1/submissions/{view.id}").body)

    assert (execution["state"], execution["tests_passed"]) == ("cancelled", 1)
    assert (execution["verdict"], execution["all_tests_passed"]) == (None, False)


def test_a_second_time_says_the_same(api: "Api", backend: "MemoryBackend") -> None:
    path = f"/v1/submissions/{backend.keep(HELLO).id}"

    first, second = api.delete(path), api.delete(path)

    assert (second.status, second.body) == (200, first.body)


def test_what_is_done_stays_done(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO, done(TestResult(0, Verdict.AC)))

    answer = api.delete(f"/v1/submissions/{view.id}")

    assert (answer.status, execution_of(answer.body)["verdict"]) == (200, "AC")


def test_who_may_only_write_reads_nothing_by_it(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO, done(TestResult(0, Verdict.AC)))
    backend.keys["writes"] = replace(SERVICE, scopes=frozenset({Scope.SUBMISSIONS_WRITE}))
    api.key = "writes"

    answer = api.delete(f"/v1/submissions/{view.id}")

    told = {"id": str(view.id), "execution": {"id": str(view.execution.id), "state": "done"}}
    assert (answer.status, answer.body) == (200, told)


def test_what_is_not_the_callers_is_not_there(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    api.key = "person"

    assert api.delete(f"/v1/submissions/{view.id}").status == 404
    assert api.delete(f"/v1/submissions/{uuid.UUID(int=9)}").status == 404
    assert not backend.views[view.id].execution.state.final


def test_it_takes_no_query(api: "Api", backend: "MemoryBackend") -> None:
    assert list(api.delete(f"/v1/submissions/{backend.keep(HELLO).id}?force=1").fields) == ["force"]
