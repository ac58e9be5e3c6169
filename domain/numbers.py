"""The executions of a submission: found by `execution_numbers`, in none but their own partitions.

Executions lie in partitions by the time in their ids (docs/decisions/0035), which a submission's id says nothing about:
a regrade may be years later. A trigger writes the numbers, and keeps them unique.
"""

CURRENT = """
    SELECT {columns} FROM execution_numbers AS numbered JOIN executions AS x ON x.id = numbered.execution_id
    WHERE numbered.submission_id = {submission} AND NOT x.candidate ORDER BY numbered.number DESC LIMIT 1
"""
NEXT = "(SELECT max(number) + 1 FROM execution_numbers WHERE submission_id = {submission})"
"""The number of the execution that is added to a submission; of two that are added at a time one is refused."""
TAKEN = "execution_numbers_pkey"
"""What the one that is refused breaks."""
_LATER = """
    EXISTS (
        SELECT FROM execution_numbers AS numbered JOIN executions AS later ON later.id = numbered.execution_id
        WHERE numbered.submission_id = {execution}.submission_id AND numbered.number > {execution}.number
            AND NOT later.candidate
    )
"""


def current(submission: str, columns: str = "x.*") -> str:
    """Give a query for the current execution `x` of a submission's id: the last that is no regrade's candidate."""
    return CURRENT.format(submission=submission, columns=columns)


def following(submission: str) -> str:
    """Give the number of the execution that is added next. `submission` is its id."""
    return NEXT.format(submission=submission)


def has_later(execution: str) -> str:
    """Say whether an execution, known by its alias, is no more the current one."""
    return _LATER.format(execution=execution)
