"""Submissions as answers. What is hidden is taken out here, once, for every way out."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.schemas import links
from app.schemas.bytes import bytes_json, interaction_json
from app.schemas.usage import run_telemetry_json, telemetry_json, usage_json
from domain.limits import Constraints
from domain.model import Artifact, Usage
from domain.network import NetworkRule
from domain.redaction import told, whole_is_of_hidden
from domain.scoring import GroupScore, shown
from domain.usage import rounded, together
from domain.verdict import State, Verdict, hidden_reason
from domain.views import Asked, CaseView, ExecutionView, ResultView, Shown, SubmissionView

Json = dict[str, object]


def submission_json(view: SubmissionView) -> Json:
    """Give the answer for a submission with its current execution."""
    asked = view.asked
    return {
        "id": str(view.id),
        "links": {"self": links.submission(view.id)},
        "created_at": time_json(view.created_at),
        "language": asked.language,
        "entry_point": asked.entry_point,
        "priority": asked.priority.value,
        "region": asked.region,
        "metadata": dict(asked.metadata),
        "user_id": asked.user_id,
        "problem_id": asked.problem_id,
        "problem_version": asked.problem_version,
        "interactive": asked.interactive,
        "constraints": constraints_json(asked.constraints),
        "execution": execution_json(view.id, asked, view.execution),
    }


def revealed_json(view: SubmissionView) -> Json:
    """Give the answer for somebody who may see what is hidden: each result whole, as of a test case that is not."""
    asked = replace(view.asked, test_cases=tuple(replace(case, is_hidden=False) for case in view.asked.test_cases))
    told = submission_json(replace(view, asked=asked))
    execution = told["execution"]
    results = execution["test_results"] if isinstance(execution, dict) else []
    for result, found in zip(results, view.execution.results, strict=True):
        result["is_hidden"] = view.asked.test_cases[found.ordinal].is_hidden
    return told


def constraints_json(constraints: Constraints) -> Json:
    """Give the constraints as they are applied."""
    return {
        "timeout_ms": constraints.timeout_ms,
        "wall_timeout_ms": constraints.wall_limit_ms(),
        "memory_mb": constraints.memory_mb,
        "cpu_millicores": constraints.cpu_millicores,
        "disk_mb": constraints.disk_limit_mb,
        "output_kb": constraints.output_kb,
        "processes": constraints.processes,
        "network_enabled": constraints.network_enabled,
        **(
            {}
            if constraints.network_rules is None
            else {"network_rules": list(map(_rule_json, constraints.network_rules))}
        ),
    }


def _rule_json(rule: NetworkRule) -> Json:
    """Give a network rule; what was left out is left out."""
    there: Json = {"host": rule.host} if rule.host is not None else {"cidr": rule.cidr}
    return there | ({"ports": list(rule.ports)} if rule.ports else {}) | {"protocol": rule.protocol.value}


def execution_json(submission_id: UUID, asked: Asked, execution: ExecutionView) -> Json:
    """Give the JSON of an execution."""
    cases, results = asked.test_cases, execution.results
    any_hidden = any(case.is_hidden for case in cases)
    reason = execution.reason
    if whole_is_of_hidden(((cases[result.ordinal].is_hidden, result.verdict) for result in results), execution.verdict):
        reason = hidden_reason(execution.verdict, reason)
    return {
        "id": str(execution.id),
        "number": execution.number,
        "state": execution.state.value,
        "verdict": verdict_json(execution.verdict),
        "reason": reason,
        "message": _message(execution, any_hidden=any_hidden),
        **_only_result(submission_id, cases, results, execution.compile_output),
        "test_results": [result_json(submission_id, cases[result.ordinal], result) for result in results],
        **_counts(cases, execution),
        "usage": usage_json(together(_shown_usage(cases, results))),
        "telemetry": telemetry_json(execution.telemetry, any_hidden=any_hidden),
        "queued_at": time_json(execution.queued_at),
        "started_at": time_json(execution.started_at),
        "finished_at": time_json(execution.finished_at),
    }


def _message(execution: ExecutionView, *, any_hidden: bool) -> str | None:
    """Give the message, unless it may speak of a hidden test case: only a compiler's never does."""
    if any_hidden and execution.verdict is not Verdict.CE:
        return None
    return execution.message or None


def _only_result(
    submission_id: UUID, cases: tuple[CaseView, ...], results: tuple[ResultView, ...], compile_output: Shown | None
) -> Json:
    """Give the copies of the only result, or nulls where there are several or it is hidden; and the compile output."""
    only = results[0] if len(cases) == 1 and len(results) == 1 and not cases[0].is_hidden else None
    values = {
        "stdout": (only.stdout if only else None, links.stream(submission_id, 0, "stdout")),
        "stderr": (only.stderr if only else None, links.stream(submission_id, 0, "stderr")),
        "compile_output": (compile_output, links.compile_output(submission_id)),
    }
    return {"exit_code": only.exit_code if only else None, **_byte_fields(values)}


def _byte_fields(values: dict[str, tuple[Shown | None, str]]) -> Json:
    """Give byte fields by name; `truncated` and `links` stand beside them only where something was cut."""
    shown: Json = {name: None if value is None else bytes_json(value) for name, (value, _) in values.items()}
    cut = {name: whole for name, (value, whole) in values.items() if value is not None and value.truncated}
    return shown | ({"truncated": list(cut), "links": cut} if cut else {})


def result_json(submission_id: UUID, case: CaseView, result: ResultView) -> Json:
    """Give the JSON of one test result; of a hidden one only what docs/semantics.md allows."""
    if case.is_hidden:
        return _hidden_json(case, result)
    return {
        "name": case.name,
        "is_hidden": False,
        "group": case.group,
        "verdict": verdict_json(result.verdict),
        "reason": result.reason,
        "message": result.message or None,
        **({"cached": True} if result.cached else {}),
        "exit_code": result.exit_code,
        "exit_signal": result.exit_signal,
        **_streams(submission_id, result),
        "usage": usage_json(result.usage),
        "points": shown(result.points),
        "artifacts": [_artifact_json(submission_id, result.ordinal, artifact) for artifact in result.artifacts],
        "telemetry": run_telemetry_json(result.telemetry),
    }


def _streams(submission_id: UUID, result: ResultView) -> Json:
    """Give what a program wrote, and beside it the names of all that was cut, the list of artifacts among them."""
    values = {"stdout": result.stdout, "stderr": result.stderr}
    shown = _byte_fields(
        {name: (value, links.stream(submission_id, result.ordinal, name)) for name, value in values.items()}
    )
    said, said_more = interaction_json(result.interaction)
    shown |= said
    more = [name for name, cut in (("interaction", said_more), ("artifacts", result.artifacts_cut)) if cut]
    if not more:
        return shown
    cut = shown.get("truncated", [])
    return shown | {"truncated": [*cut, *more] if isinstance(cut, list) else more}


def _hidden_json(case: CaseView, result: ResultView) -> Json:
    known = told(case.name, result, is_hidden=True)
    return {
        "name": known.name,
        "is_hidden": True,
        "verdict": verdict_json(known.verdict),
        "reason": known.reason,
        "usage": usage_json(known.usage),
        "points": known.points,
    }


def _artifact_json(submission_id: UUID, ordinal: int, artifact: Artifact) -> Json:
    return {
        "path": artifact.path,
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "truncated": artifact.truncated,
        "url": links.artifact(submission_id, ordinal, artifact.path),
    }


def _counts(cases: tuple[CaseView, ...], execution: ExecutionView) -> Json:
    run = [result for result in execution.results if result.verdict is not None]
    passed = sum(1 for result in run if result.verdict is not None and result.verdict.passed)
    return {
        "points": shown(execution.points if execution.points is not None else _so_far(cases, run)),
        "test_groups": [_group_json(group) for group in execution.groups],
        "tests_run": len(run),
        "tests_passed": passed,
        "all_tests_passed": execution.state is State.DONE and passed == len(cases),
    }


def _so_far(cases: tuple[CaseView, ...], run: list[ResultView]) -> float | None:
    """Add up what was earned, of an execution that is not over."""
    scored = any(case.points is not None for case in cases)
    return sum(result.points or 0 for result in run) if scored else None


def _group_json(group: GroupScore) -> Json:
    return {
        "name": group.name,
        "parent": group.parent,
        "verdict": verdict_json(group.verdict),
        "points": shown(group.points),
        "max_points": shown(group.max_points),
    }


def _shown_usage(cases: tuple[CaseView, ...], results: tuple[ResultView, ...]) -> list[Usage]:
    """Give what each test case spent, as it is shown: a sum of exact figures would tell the hidden ones."""
    return [
        rounded(result.usage) if cases[result.ordinal].is_hidden else result.usage
        for result in results
        if result.usage is not None
    ]


def verdict_json(verdict: Verdict | None) -> str | None:
    """Give a verdict's letters; null for none."""
    return None if verdict is None else verdict.value


def time_json(moment: datetime | None) -> str | None:
    """Give a moment as RFC 3339 in UTC, to the millisecond."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
