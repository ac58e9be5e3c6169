"""Of an answer what was asked for, and nothing at all where it is known."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.model import File, Submission, TestCase, TestResult
from domain.verdict import State, Verdict
from tests.shown import shown_result
from tests.unit.app.conftest import Answer, done

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

CASES = (TestCase(0, "1"), TestCase(1, "2", is_hidden=True))
HELLO = Submission("python", (File("main.py", b""),), "main.py", CASES)
RESULTS = (TestResult(0, Verdict.AC, stdout=b"x"), TestResult(1, Verdict.AC, stdout=b"secret"))


@pytest.fixture
def path(backend: "MemoryBackend") -> str:
    return f"/v1/submissions/{backend.keep(HELLO, done(*RESULTS)).id}"


def get(api: "Api", path: str, tag: str | None = None) -> tuple[int, dict[str, str], bytes]:
    sent = {"If-None-Match": tag} if tag else {}
    with api.http.get(path, headers=api._headers({}) | sent) as response:
        return response.status_code, dict(response.headers), response.data


def test_it_works(api: "Api", path: str) -> None:
    body = api.get(f"{path}?fields=language,execution.verdict,execution.test_results.name").body

    results = [{"name": "1"}, {"name": "2"}]
    assert body == {"language": "python", "execution": {"verdict": "AC", "test_results": results}}


def test_who_asks_for_the_whole_and_a_part_gets_the_whole(api: "Api", path: str) -> None:
    whole = api.get(f"{path}?fields=execution").body

    assert api.get(f"{path}?fields=execution.verdict,execution,execution.state,execution").body == whole
    assert whole == {"execution": api.get(path).body["execution"]}


def test_what_is_hidden_stays_so(api: "Api", path: str) -> None:
    body = api.get(f"{path}?fields=execution.test_results.stdout,execution.test_results.usage.memory_bytes").body

    assert body == {"execution": {"test_results": [{"stdout": "x", "usage": None}, {"usage": None}]}}


def test_every_name_of_an_answer_can_be_asked_for(api: "Api", path: str) -> None:
    body = api.get(path).body

    for name, value in body.items():
        assert api.get(f"{path}?fields={name}").body == {name: value}
    execution = body["execution"]
    assert isinstance(execution, dict)
    for name, value in execution.items():
        assert api.get(f"{path}?fields=execution.{name}").body == {"execution": {name: value}}


def test_a_list_can_be_asked_for_some_of_it(api: "Api", path: str) -> None:
    body = api.get("/v1/submissions?limit=1&fields=links.self,execution.state").body

    assert body["submissions"] == [{"links": {"self": path}, "execution": {"state": "done"}}]
    assert isinstance(body["next_cursor"], str)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("nope", "'nope'"),
        ("id,execution.nope,id.x,also", "'execution.nope', 'id.x', 'also'"),
        ("", "''"),
        ("id,", "''"),
        ("id, language", "' language'"),
        ("ID", "'ID'"),
        ("metadata.mine", "'metadata.mine'"),
        ("execution.", "'execution.'"),
    ],
)
def test_unknown_names_are_told(api: "Api", path: str, names: str, told: str) -> None:
    answer = api.get(f"{path}?fields={names}")

    assert answer.status == 422
    assert answer.fields == {"fields": f"unknown names: {told}"}


def test_names_without_end_are_refused(api: "Api", path: str) -> None:
    answer: Answer = api.get(f"{path}?fields={'id,' * 2000}")

    assert (answer.status, list(answer.fields)) == (422, ["fields"])


def test_a_name_twice_is_refused(api: "Api", path: str) -> None:
    assert list(api.get(f"{path}?fields=id&fields=language").fields) == ["fields"]
    assert list(api.get("/v1/submissions?state=done&state=queued").fields) == ["state"]


def test_who_has_an_answer_is_told_so(api: "Api", path: str) -> None:
    status, headers, data = get(api, path)
    assert (status, bool(data)) == (200, True)
    assert headers["ETag"].startswith('W/"')
    assert headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in headers["Vary"]

    status, again, data = get(api, path, headers["ETag"])

    assert (status, data) == (304, b"")
    assert "Content-Type" not in again
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again[name] == headers[name]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_it_is_found_in_every_form(api: "Api", path: str, form: str) -> None:
    tag = get(api, path)[1]["ETag"].removeprefix("W/")

    assert get(api, path, form.format(tag))[0] == 304


@pytest.mark.parametrize("tag", ['"other"', "other", '""', "W/", ",,,", '"' * 9])
def test_another_tag_is_answered_in_full(api: "Api", path: str, tag: str) -> None:
    assert get(api, path, tag)[0] == 200


def test_it_is_known_without_reading_what_it_shows(
    api: "Api", backend: "MemoryBackend", path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = get(api, path)[1]["ETag"]
    view = next(iter(backend.views.values()))
    monkeypatch.setattr(backend, "version", lambda *_: view.version)
    monkeypatch.delattr("tests.unit.app.conftest.MemoryBackend.get")

    assert get(api, path, tag)[0] == 304


def test_the_tag_changes_with_all_that_may_change(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    path = f"/v1/submissions/{view.id}"
    queued, results = view.execution, tuple(map(shown_result, RESULTS))
    seen = []
    for execution in (
        queued,
        replace(queued, state=State.PREPARING, attempt=1),
        replace(queued, state=State.RUNNING, attempt=1),
        replace(queued, state=State.RUNNING, attempt=1, results=results[:1]),
        replace(queued, state=State.QUEUED, attempt=1, results=results[:1]),
        replace(queued, state=State.RUNNING, attempt=2),
        replace(queued, state=State.CANCELLED, attempt=2),
        done(*RESULTS),
    ):
        backend.views[view.id] = replace(view, execution=execution)
        seen.append(get(api, path)[1]["ETag"])

    assert len(set(seen)) == len(seen)


def test_the_tag_is_of_what_was_asked_for_and_by_whom(api: "Api", path: str) -> None:
    asked = ["", "?fields=id", "?fields=id,execution.verdict", "?fields=execution.verdict"]
    tags = [get(api, path + query)[1]["ETag"] for query in asked]
    api.key = "admin"
    tags += [get(api, path + query)[1]["ETag"] for query in asked]

    assert len(set(tags)) == 8
    same = {get(api, f"{path}?fields={names}")[1]["ETag"] for names in ("id,links", "links,id", "id,links,id")}
    assert len(same) == 1


def test_who_waits_is_told_when_it_is_over(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)
    path = f"/v1/submissions/{view.id}?wait=5"

    def end() -> None:
        backend.views[view.id] = replace(view, execution=replace(view.execution, state=State.CANCELLED))

    tag = get(api, path)[1]["ETag"]
    assert get(api, path, tag)[0] == 304  # nothing came of it
    backend.while_waiting = end
    assert get(api, path, tag)[0] == 200
    assert backend.waits == [5, 5, 5]


def test_lists_and_languages_have_tags_too(api: "Api", backend: "MemoryBackend") -> None:
    for listed in ("/v1/submissions", "/v1/languages"):
        tag = get(api, listed)[1]["ETag"]
        assert get(api, listed, tag)[0] == 304
    tag = get(api, "/v1/submissions")[1]["ETag"]
    backend.keep(HELLO)
    assert get(api, "/v1/submissions", tag)[0] == 200


def test_others_learn_nothing_by_a_tag(api: "Api", path: str) -> None:
    tag = get(api, path)[1]["ETag"]
    api.key = "person"

    for sent in (tag, "*"):
        status, headers, _ = get(api, path, sent)
        assert (status, headers["Cache-Control"], "ETag" in headers) == (404, "no-store", False)


def test_other_answers_have_none(api: "Api") -> None:
    assert "ETag" not in api.submit().headers
    assert api.submit().headers["Cache-Control"] == "no-store"
