"""Examples for the document; a test holds them against it."""

from collections.abc import Mapping

Example = Mapping[str, object]

_ID = "0198c0de-0000-7000-8000-000000000001"
_REQUEST_ID = "6f1c2a7d9b3e4f50a1b2c3d4e5f60718"
_USAGE = {"cpu_time_ms": 21, "wall_time_ms": 24, "memory_bytes": 9437184}

SUBMISSION_REQUEST: Example = {
    "language": "python",
    "source": {"type": "code", "content": "a, b = map(int, input().split())\nprint(a + b)"},
    "test_cases": [
        {"input": "1 2", "expected_output": "3"},
        {"input": {"stdin": "20 22"}, "expected_output": {"stdout": "42"}, "is_hidden": True, "group": "secret"},
    ],
    "test_groups": [{"name": "secret", "aggregation": "pass-fail", "points": 10}],
    "constraints": {"timeout_ms": 1000, "memory_mb": 64},
    "problem_id": "a-plus-b",
    "metadata": {"course": "101"},
}

SUBMISSION: Example = {
    "id": _ID,
    "links": {"self": f"/v1/submissions/{_ID}"},
    "created_at": "2026-11-25T08:00:00.000Z",
    "language": "python",
    "entry_point": "main.py",
    "priority": "normal",
    "region": None,
    "metadata": {"course": "101"},
    "user_id": None,
    "interactive": False,
    "problem_id": "a-plus-b",
    "problem_version": None,
    "constraints": {
        "timeout_ms": 1000,
        "wall_timeout_ms": 3000,
        "memory_mb": 64,
        "cpu_millicores": 1000,
        "disk_mb": 32,
        "output_kb": 1024,
        "processes": 64,
        "network_enabled": False,
    },
    "execution": {
        "id": "0198c0de-0000-7000-8000-000000000002",
        "number": 1,
        "state": "done",
        "verdict": "WA",
        "reason": None,
        "message": None,
        "exit_code": None,
        "stdout": None,
        "stderr": None,
        "compile_output": None,
        "test_results": [
            {
                "name": "1",
                "is_hidden": False,
                "group": None,
                "verdict": "AC",
                "reason": None,
                "message": None,
                "exit_code": 0,
                "exit_signal": None,
                "stdout": "3\n",
                "stderr": "",
                "usage": _USAGE,
                "points": None,
                "artifacts": [],
                "telemetry": None,
            },
            {
                "name": "2",
                "is_hidden": True,
                "verdict": "WA",
                "reason": None,
                "usage": {"cpu_time_ms": 20, "wall_time_ms": 20, "memory_bytes": 9437184},
                "points": None,
            },
        ],
        "points": 0,
        "test_groups": [{"name": "secret", "parent": None, "verdict": "WA", "points": 0, "max_points": 10}],
        "tests_run": 2,
        "tests_passed": 1,
        "all_tests_passed": False,
        "usage": {"cpu_time_ms": 41, "wall_time_ms": 44, "memory_bytes": 9437184},
        "telemetry": None,
        "queued_at": "2026-11-25T08:00:00.000Z",
        "started_at": "2026-11-25T08:00:00.004Z",
        "finished_at": "2026-11-25T08:00:00.093Z",
    },
}

PAGE: Example = {
    "submissions": [
        {
            "id": _ID,
            "links": {"self": f"/v1/submissions/{_ID}"},
            "created_at": "2026-11-25T08:00:00.000Z",
            "language": "python",
            "priority": "normal",
            "user_id": None,
            "problem_id": "a-plus-b",
            "execution": {
                "id": "0198c0de-0000-7000-8000-000000000002",
                "state": "done",
                "verdict": "WA",
                "reason": None,
                "points": 0,
            },
        }
    ],
    "next_cursor": None,
}

_ERRORS = {
    400: ("bad_request", "the body is not JSON: Expecting value (line 1, column 1)"),
    401: (
        "unauthorized",
        "no API key was sent: send the header `Authorization: Bearer KEY`; `shipd keys create` makes keys",
    ),
    403: ("forbidden", "this key may not do that; ask an operator for another role"),
    404: ("not_found", f"there is no submission {_ID}; check the id, and that the key is its sender's"),
    409: ("conflict", f"the id {_ID} was used before with another body; send a new id, or leave it out"),
    413: ("too_large", "the body is larger than this deployment takes; send less, or send large files separately"),
    415: ("unsupported_media_type", "the body must be JSON: send it with Content-Type: application/json"),
    422: ("invalid_request", "constraints.memory_mb: 9000 is above the ceiling of 8192"),
    429: ("too_many_requests", "more requests than this key may send; wait as long as Retry-After says"),
    503: ("unavailable", "a part of the platform does not answer; try again in a few seconds"),
}
_FIELD = {
    "field": "constraints.memory_mb",
    "message": "9000 is above the ceiling of 8192",
    "hint": "use a whole number from 4 to 8192",
}


def error(status: int) -> Example:
    """Give an error of this status."""
    code, message = _ERRORS.get(status, ("error", "what is wrong, and what to do"))
    fields = [_FIELD] if status == 422 else []
    return {"error": {"code": code, "message": message, "fields": fields}, "request_id": _REQUEST_ID}
