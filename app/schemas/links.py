"""Where things are, as paths: whoever asked knows the host, and a proxy may have another one."""

from urllib.parse import quote
from uuid import UUID


def submission(submission_id: UUID) -> str:
    """Give the path of a submission."""
    return f"/v1/submissions/{submission_id}"


def batch(batch_id: UUID) -> dict[str, object]:
    """Give the paths of a batch and its parts."""
    own = f"/v1/batches/{batch_id}"
    return {"self": own, "items": f"{own}/items", "results": f"{own}/results"}


def webhook(webhook_id: UUID) -> str:
    """Give the path of a webhook."""
    return f"/v1/webhooks/{webhook_id}"


def delivery(delivery_id: UUID) -> str:
    """Give the path of a delivery."""
    return f"/v1/deliveries/{delivery_id}"


def problem(problem_id: str) -> dict[str, object]:
    """Give the paths of a problem and its parts."""
    own = f"/v1/problems/{problem_id}"
    return {"self": own, "versions": f"{own}/versions", "statement": f"{own}/statement", "samples": f"{own}/samples"}


def statement(problem_id: str, language: str) -> str:
    """Give the path of a problem's statement in a language."""
    return f"/v1/problems/{problem_id}/statement?language={quote(language)}"


def attachment(problem_id: str, path: str) -> str:
    """Give the path of an attachment of a problem."""
    return f"/v1/problems/{problem_id}/attachments/{quote(path)}"


def stream(submission_id: UUID, ordinal: int, name: str) -> str:
    """Give the path of a test result's whole stdout or stderr."""
    return f"{submission(submission_id)}/results/{ordinal}/{name}"


def compile_output(submission_id: UUID) -> str:
    """Give the path of what the compiler said."""
    return f"{submission(submission_id)}/compile_output"


def artifact(submission_id: UUID, ordinal: int, path: str) -> str:
    """Give the path of a collected file."""
    return f"{submission(submission_id)}/artifacts/{ordinal}/{quote(path)}"
