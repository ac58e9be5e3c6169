"""Who may do what, every cell of the table; and the table in docs/access.md, which is the same one."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app import access
from app.access import NAMED_WORDS, ROUTES, Open, Row
from app.auth import _PUBLIC
from domain.keys import Key, NewKey
from domain.model import File, Submission, TestCase
from domain.payload import Payload
from domain.problem import Document, ProblemCase, ProblemVersion, Statement
from domain.problem_reading import Viewer
from domain.regrade import Options
from domain.regrade_selection import Selection
from domain.roles import Reach, Role, Scope, granted, reach
from domain.submissions import Sent
from tests.unit.app.conftest import HELLO, entry_of

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

ASKER, OTHER = uuid.UUID(int=11), uuid.UUID(int=12)
DOCUMENT = Path(__file__).parents[3] / "docs" / "access.md"


ABOUT_ONE = {"submission_id", "prefix", "token", "batch_id", "webhook_id", "delivery_id", "regrade_id", "problem_id"}
"""Parts of paths that name somebody's thing."""
BODIES: Mapping[str, object] = {
    "POST /v1/submissions": HELLO,
    "POST /execute": HELLO,
    "POST /v1/keys": {"name": "n"},
    "PATCH /v1/problems/<slug:problem_id>": {"visibility": "private"},
    "PATCH /v1/webhooks/<uuid:webhook_id>": {"description": "d"},
    "POST /v1/keys/<prefix>/rotate": {},
    "POST /v1/regrades": {"selection": {"problem_id": "p"}, "dry_run": True},
}
"""Others send an empty object; a route whose body is wrong answers 422, which says that it was let in."""
VALUES: Mapping[str, object] = {
    "ordinal": 0,
    "stream": "stdout",
    "path": "x",
    "number": 1,
    "name": "swagger-ui.css",
    "language_id": 71,
}


def cells() -> Iterator[tuple[Row, Role]]:
    for row in access.rows():
        for role in Role:
            yield row, role


CELLS = [pytest.param(row, role, id=f"{row.route} {role}") for row, role in cells()]


_TEXT = Document("x", Payload(inline=b""), 0)
PROBLEM = ProblemVersion(
    "problem",
    "Problem",
    (ProblemCase(0, "1", Payload(inline=b""), None),),
    statements=(Statement("en", "Problem", _TEXT),),
    attachments=(_TEXT,),
)


@pytest.fixture
def things(backend: "MemoryBackend", tmp_path: Path) -> dict[uuid.UUID, Mapping[str, object]]:
    """A submission and a key of the caller's, and of somebody else's, as parts of paths by owner."""
    found: dict[uuid.UUID, Mapping[str, object]] = {}
    backend.packages.folder = tmp_path
    for number, owner in enumerate((ASKER, OTHER)):
        view = backend.keep(Submission("c", (File("main.c", b""),), None, (TestCase(0, "1"),)), owner_id=owner)
        backend.wholes |= {(view.id, 0, "stdout"): b"", (view.id,): b"", (view.id, 0, "x"): b""}
        prefix = f"{number:012x}"
        backend.entries[prefix] = entry_of(NewKey("n", Role.SUBMITTER), owner, prefix)
        sent = Sent(owner, bytes(32))
        batch = backend.batches.create([], {}, sent=sent, atomic=False, admit=lambda _, count, __: (count, None))
        hook = backend.webhooks.create(owner, url="https://example.org", events=(), description="", secret="s" * 8)
        backend.webhooks.owners[view.id] = owner
        backend.regrades.owners[view.id] = owner
        problem = replace(PROBLEM, id=f"problem-{number}")
        backend.problems.create(problem, Viewer(owner), None)
        backend.problems.senders[view.id] = owner
        backend.packages.versions[uuid.uuid4()] = (problem, owner)
        found[owner] = {
            "problem_id": problem.id,
            "submission_id": view.id,
            "token": view.id,
            "prefix": prefix,
            "batch_id": batch.id,
            "webhook_id": hook.id,
            "delivery_id": backend.webhooks.ping(hook.id, owner).id,
            "regrade_id": backend.regrades.start(Selection("p"), Options(), "tests").id,
        }
    return found


def ask(api: "Api", application: Flask, route: str, thing: Mapping[str, object]) -> tuple[int, str]:
    """Send a request to a route about something, and give the status and what was said."""
    method, _, rule = route.partition(" ")
    (found,) = [one for one in application.url_map.iter_rules() if one.rule == rule and method in (one.methods or ())]
    with application.test_request_context():
        _, url = found.build({**VALUES, **thing}, append_unknown=False) or ("", "")
    body = BODIES.get(route, {}) if method in {"POST", "PUT", "PATCH"} else None
    with api.http.open(url, method=method, json=body, headers={"Authorization": "Bearer asker"}) as response:
        return response.status_code, response.get_data().decode(errors="replace")


@pytest.mark.parametrize(("row", "role"), CELLS)
def test_every_cell_says_what_happens(
    row: Row,
    role: Role,
    api: "Api",
    application: Flask,
    backend: "MemoryBackend",
    things: dict[uuid.UUID, Mapping[str, object]],
) -> None:
    cell = row.cells[role]
    key = Key(ASKER, "asker", role, key_id=uuid.UUID(int=13))
    backend.keys["asker"] = replace(key, scopes=frozenset(Scope)) if cell == NAMED_WORDS else key

    own, _ = ask(api, application, row.route, things[ASKER])
    status, others = ask(api, application, row.route, things[OTHER])

    if cell == "-":
        assert (own, status) == (403, 403)
        return
    assert own not in {401, 403, 404}
    # To keep a package under somebody else's name is a conflict, and this one is none: test_packages.py.
    if ABOUT_ONE & set(re.findall(r"(\w+)>", row.route)) and not row.route.startswith("PUT "):
        assert (status == 404) == (cell != "everybody's")
        # Nobody serves streams here: so says whoever let it through.
        assert status == 404 or status < 300 or (status == 503 and row.route.endswith("/events"))
    if row.route in {"GET /v1/submissions", "GET /v1/keys", "GET /v1/problems"}:
        names = {str(value) for value in things[OTHER].values()}
        assert any(name in others for name in names) == (cell == "everybody's")


@pytest.mark.parametrize(
    "row", [row for row in access.rows() if isinstance(row.need, Scope)], ids=lambda row: row.route
)
@pytest.mark.parametrize("role", Role)
def test_a_key_without_the_scope_is_refused_whatever_its_role(
    row: Row,
    role: Role,
    api: "Api",
    application: Flask,
    backend: "MemoryBackend",
    things: dict[uuid.UUID, Mapping[str, object]],
) -> None:
    scopes = frozenset(Scope) - {Scope(str(row.need.value))}
    backend.keys["asker"] = Key(ASKER, "asker", role, scopes=scopes)

    status, said = ask(api, application, row.route, things[ASKER])

    assert status == 403
    assert row.need.value in said
    assert "GET /v1/me" in said


def test_regrades_are_for_operators_whatever_else_a_role_may_do() -> None:
    """They are about everybody's submissions, so that nobody has `own` ones."""
    for row in access.rows():
        if row.need in {Scope.REGRADES_READ, Scope.REGRADES_WRITE}:
            open_to = {role for role, cell in row.cells.items() if cell != "-"}
            assert open_to == {Role.OPERATOR, Role.ADMIN}, row.route


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_key_makes_keys_only_if_it_names_that(api: "Api", backend: "MemoryBackend", role: Role) -> None:
    backend.keys["asker"] = Key(ASKER, "asker", role)
    api.key = "asker"

    assert api.post("/v1/keys", {"name": "n"}).status == 403


def test_the_table_has_every_route_of_the_application_and_no_other(application: Flask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert set(ROUTES) == routes, "say in app/access.py who may use it, then put `shipd access` into the document"


def test_what_is_public_is_so_in_both_places(application: Flask) -> None:
    marked = {
        rule.rule
        for rule in application.url_map.iter_rules()
        if getattr(application.view_functions[rule.endpoint], _PUBLIC, False)
    }

    assert marked == {route.partition(" ")[2] for route, need in ROUTES.items() if need is Open.PUBLIC}


def test_a_route_that_the_table_does_not_have_is_refused_to_everybody(
    api: "Api", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "ROUTES", {})
    api.key = "admin"

    assert api.get("/v1/languages").status == 403


def test_the_document_has_this_table() -> None:
    assert access.markdown() in DOCUMENT.read_text(), "put what `shipd access` prints into docs/access.md"


def test_the_document_names_every_role_and_scope() -> None:
    text = DOCUMENT.read_text()

    assert [name for name in (*Role, *Scope) if f"| `{name}` |" not in text] == []


def test_scopes_narrow_and_never_widen() -> None:
    for_operators = {Scope.REGRADES_READ, Scope.REGRADES_WRITE, Scope.HOSTS_READ}
    assert granted(Role.SERVICE, frozenset(Scope)) == frozenset(Scope) - for_operators
    assert granted(Role.SUBMITTER, frozenset(Scope)) == frozenset(Scope) - for_operators - {Scope.PROBLEMS_WRITE}
    assert granted(Role.OPERATOR, None) >= for_operators
    assert granted(Role.ADMIN, frozenset()) == frozenset()
    assert reach(Role.SUBMITTER, frozenset(Scope), Scope.SUBMISSIONS_READ) is Reach.OWN
    assert reach(Role.ADMIN, None, Scope.KEYS_WRITE) is Reach.ALL
    assert reach(Role.OPERATOR, None, Scope.KEYS_WRITE) is None
