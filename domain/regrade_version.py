"""Which version of a stored problem a regrade grades by: the one place that knows how executions name theirs.

What came with test cases of its own is graded by these, whatever is asked for.
"""

USED = """EXISTS (
    SELECT FROM problem_versions AS used WHERE used.id = e.problem_version_id AND used.number = %(problem_version)s
)"""
"""Whether execution `e` used version `%(problem_version)s` of its problem."""
_LATEST = """
    SELECT latest.id FROM problem_versions AS used JOIN problem_versions AS latest USING (problem_id)
    WHERE used.id = e.problem_version_id AND latest.state = 'ready' ORDER BY latest.number DESC LIMIT 1
"""
CARRIED = f"CASE WHEN %(version)s = 'latest' THEN ({_LATEST}) ELSE e.problem_version_id END"
"""The version that the candidate of old execution `e` is graded by; `%(version)s` is the option."""
