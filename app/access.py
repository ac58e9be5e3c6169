"""What each route needs of whoever asks. With `domain/roles.py` this is the one table of who may do what.

`app/auth.py` asks it before every request; a route that is not in it is refused to everybody. docs/access.md shows it:
`shipd access` prints what must stand there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from domain.roles import GRANTS, NAMED, Reach, Role, Scope


class Open(Enum):
    """Routes that need no scope."""

    PUBLIC = "anybody"
    KNOWN = "any key or token"


Need = Scope | Open

_RESULT = "/v1/submissions/<uuid:submission_id>/results/<int:ordinal>/<any(stdout, stderr):stream>"
_ARTIFACT = "/v1/submissions/<uuid:submission_id>/artifacts/<int:ordinal>/<file:path>"
_JUDGE0, _PISTON = "/compat/judge0", "/compat/piston/api/v2"
ROUTES: Mapping[str, Need] = {
    "POST /v1/submissions": Scope.SUBMISSIONS_WRITE,
    "POST /execute": Scope.SUBMISSIONS_WRITE,
    "GET /v1/submissions": Scope.SUBMISSIONS_READ,
    "GET /v1/submissions/<uuid:submission_id>": Scope.SUBMISSIONS_READ,
    "DELETE /v1/submissions/<uuid:submission_id>": Scope.SUBMISSIONS_WRITE,
    f"GET {_RESULT}": Scope.SUBMISSIONS_READ,
    "GET /v1/submissions/<uuid:submission_id>/compile_output": Scope.SUBMISSIONS_READ,
    f"GET {_ARTIFACT}": Scope.SUBMISSIONS_READ,
    "GET /v1/submissions/<uuid:submission_id>/events": Scope.SUBMISSIONS_READ,
    "GET /v1/submissions/<uuid:submission_id>/judge-messages": Scope.SUBMISSIONS_READ,
    "POST /v1/batches": Scope.SUBMISSIONS_WRITE,
    "GET /v1/batches/<uuid:batch_id>": Scope.SUBMISSIONS_READ,
    "DELETE /v1/batches/<uuid:batch_id>": Scope.SUBMISSIONS_WRITE,
    "GET /v1/batches/<uuid:batch_id>/items": Scope.SUBMISSIONS_READ,
    "GET /v1/batches/<uuid:batch_id>/results": Scope.SUBMISSIONS_READ,
    "GET /v1/submissions/<uuid:submission_id>/deliveries": Scope.SUBMISSIONS_READ,
    "GET /v1/problems": Scope.PROBLEMS_READ,
    "POST /v1/problems": Scope.PROBLEMS_WRITE,
    "GET /v1/problems/<slug:problem_id>": Scope.PROBLEMS_READ,
    "PATCH /v1/problems/<slug:problem_id>": Scope.PROBLEMS_WRITE,
    "DELETE /v1/problems/<slug:problem_id>": Scope.PROBLEMS_WRITE,
    "GET /v1/problems/<slug:problem_id>/versions": Scope.PROBLEMS_READ,
    "GET /v1/problems/<slug:problem_id>/versions/<int:number>": Scope.PROBLEMS_READ,
    "GET /v1/problems/<slug:problem_id>/samples": Scope.PROBLEMS_READ,
    "GET /v1/problems/<slug:problem_id>/statement": Scope.PROBLEMS_READ,
    "GET /v1/problems/<slug:problem_id>/attachments/<file:path>": Scope.PROBLEMS_READ,
    "GET /v1/submissions/<uuid:submission_id>/executions": Scope.SUBMISSIONS_READ,
    "POST /v1/regrades": Scope.REGRADES_WRITE,
    "GET /v1/regrades": Scope.REGRADES_READ,
    "GET /v1/regrades/<uuid:regrade_id>": Scope.REGRADES_READ,
    "GET /v1/regrades/<uuid:regrade_id>/items": Scope.REGRADES_READ,
    **{
        f"POST /v1/regrades/<uuid:regrade_id>/{what}": Scope.REGRADES_WRITE
        for what in ("apply", "discard", "pause", "resume")
    },
    "GET /v1/hosts": Scope.HOSTS_READ,
    "GET /v1/webhooks": Scope.WEBHOOKS_READ,
    "POST /v1/webhooks": Scope.WEBHOOKS_WRITE,
    "GET /v1/webhooks/<uuid:webhook_id>": Scope.WEBHOOKS_READ,
    "PATCH /v1/webhooks/<uuid:webhook_id>": Scope.WEBHOOKS_WRITE,
    "DELETE /v1/webhooks/<uuid:webhook_id>": Scope.WEBHOOKS_WRITE,
    "POST /v1/webhooks/<uuid:webhook_id>/rotate": Scope.WEBHOOKS_WRITE,
    "POST /v1/webhooks/<uuid:webhook_id>/ping": Scope.WEBHOOKS_WRITE,
    "GET /v1/webhooks/<uuid:webhook_id>/deliveries": Scope.WEBHOOKS_READ,
    "GET /v1/deliveries/<uuid:delivery_id>": Scope.WEBHOOKS_READ,
    "POST /v1/deliveries/<uuid:delivery_id>/redeliver": Scope.WEBHOOKS_WRITE,
    "PUT /v1/problems/<slug:problem_id>/package": Scope.PROBLEMS_WRITE,
    "GET /v1/problems/<slug:problem_id>/package": Scope.PROBLEMS_READ,
    "GET /v1/keys": Scope.KEYS_READ,
    "POST /v1/keys": Scope.KEYS_WRITE,
    "POST /v1/keys/<prefix>/rotate": Scope.KEYS_WRITE,
    "DELETE /v1/keys/<prefix>": Scope.KEYS_WRITE,
    f"POST {_JUDGE0}/submissions": Scope.SUBMISSIONS_WRITE,
    f"POST {_JUDGE0}/submissions/batch": Scope.SUBMISSIONS_WRITE,
    f"GET {_JUDGE0}/submissions/batch": Scope.SUBMISSIONS_READ,
    f"GET {_JUDGE0}/submissions/<token>": Scope.SUBMISSIONS_READ,
    f"POST {_PISTON}/execute": Scope.SUBMISSIONS_WRITE,
    **{
        f"GET {_JUDGE0}/{name}": Open.KNOWN
        for name in (
            *("languages", "languages/all", "languages/<language_id>"),
            *("statuses", "about", "config_info", "system_info"),
        )
    },
    f"GET {_PISTON}/runtimes": Open.KNOWN,
    f"GET {_PISTON}/packages": Open.KNOWN,
    "GET /v1/me": Open.KNOWN,
    "GET /v1/usage": Open.KNOWN,
    "GET /v1/languages": Open.KNOWN,
    "GET /": Open.PUBLIC,
    "GET /livez": Open.PUBLIC,
    "GET /readyz": Open.PUBLIC,
    "GET /health": Open.PUBLIC,
    "GET /openapi.json": Open.PUBLIC,
    "GET /docs": Open.PUBLIC,
    "GET /docs/assets/<name>": Open.PUBLIC,
}

WORDS = {Reach.OWN: "own", Reach.ALL: "everybody's", None: "-"}
NAMED_WORDS = "own, if the key names it"


@dataclass(frozen=True)
class Row:
    """One line of the table: a route, what it needs, and a cell for each role."""

    route: str
    need: Need
    cells: Mapping[Role, str]


def need(method: str, rule: str) -> Need | None:
    """Say what a route needs; None for one that nobody may use, because nobody said who may."""
    if method == "OPTIONS":  # tells methods, and those are in the public document
        return Open.KNOWN
    return ROUTES.get(f"{'GET' if method == 'HEAD' else method} {rule}")


def rows() -> Iterator[Row]:
    """Give the whole table."""
    for route, needed in ROUTES.items():
        yield Row(route, needed, {role: cell(role, needed) for role in Role})


def cell(role: Role, needed: Need) -> str:
    """Say whose things a role may do this with."""
    if isinstance(needed, Open):
        return "yes"
    granted = GRANTS[role].get(needed)
    return NAMED_WORDS if granted is Reach.OWN and needed in NAMED else WORDS[granted]


def markdown() -> str:
    """Write the table as docs/access.md has it."""
    heads = ["route", "scope", *Role]
    lines = [[f"`{row.route}`", _scope(row.need), *row.cells.values()] for row in rows()]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines)) + "\n"


def _scope(needed: Need) -> str:
    return needed.value if isinstance(needed, Open) else f"`{needed.value}`"
