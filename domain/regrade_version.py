"""Which version of a stored problem a regrade grades by: the one place that knows how executions name theirs.

What came with test cases of its own is graded by these, whatever is asked for.
"""

USED = "false"
"""Whether execution `e` used version `%(problem_version)s` of its problem."""
COLUMN = ""
"""The column of an execution that names its version, behind a comma."""


def carried() -> str:
    """Give that column's value for the candidate of old execution `e`, behind a comma; `%(version)s` is the option."""
    return ""
