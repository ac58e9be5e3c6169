"""Which test cases an execution is graded by: those that were sent, or those of the version of a problem."""

_COLUMNS = "ordinal, name, is_hidden, points, test_group"


def of_execution(alias: str) -> str:
    """Give a query for ordinal, name, is_hidden, points and test_group of the test cases of an execution, unordered.

    The execution is known by its alias where the query stands. Types are the same in both parts, so that PostgreSQL
    looks for a single test case by its key.
    """
    return f"""
        SELECT {_COLUMNS} FROM test_cases
        WHERE submission_id = {alias}.submission_id AND {alias}.problem_version_id IS NULL
        UNION ALL
        SELECT {_COLUMNS} FROM problem_cases WHERE version_id = {alias}.problem_version_id
    """
