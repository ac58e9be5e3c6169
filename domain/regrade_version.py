"""Which version of a stored problem a regrade grades by: the one place that knows how executions name theirs.

What came with test cases of its own is graded by these, whatever is asked for.
"""

USED = """EXISTS (
    SELECT FROM problem_versions AS used WHERE used.id = e.problem_version_id AND used.number = %(problem_version)s
)"""
"""Whether execution `e` used version `%(problem_version)s` of its problem."""
COLUMN = ", problem_version_id"
"""The column of an execution that names its version, behind a comma."""
_LATEST = """
    SELECT latest.id FROM problem_versions AS used JOIN problem_versions AS latest USING (problem_id)
    WHERE used.id = e.problem_version_id AND latest.state = 'ready' ORDER BY latest.number DESC LIMIT 1
"""


def carried() -> str:
    """Give that column's value for the candidate of old execution `e`, behind a comma; `%(version)s` is the option."""
    return f", CASE WHEN %(version)s = 'latest' THEN ({_LATEST}) ELSE e.problem_version_id END"
