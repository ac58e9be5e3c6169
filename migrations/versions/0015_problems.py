"""Stored problems: versions that never change, with their test cases and documents; executions name the one they used.

Valid with the previous release, whose processes know no problems: no execution that they claim names a version while
nobody can send one. Submit to problems when all workers are new.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

# `id` is chosen by people. One that is deleted while executions name its versions stays, with `deleted_at`.
PROBLEMS = """
CREATE TABLE problems (
    id          text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,99}$'),
    owner_id    uuid NOT NULL REFERENCES owners,
    visibility  text NOT NULL CHECK (visibility IN ('private', 'public')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
)
"""

# Checker and `judging` are as in `submissions`. `programs` is JSON of what only checking and export read: validators
# and example submissions. `sent` and `sent_at` are about messages, as in `executions`.
VERSIONS = """
CREATE TABLE problem_versions (
    id                      uuid PRIMARY KEY,
    problem_id              text NOT NULL REFERENCES problems ON DELETE CASCADE,
    number                  integer NOT NULL CHECK (number > 0),
    state                   text NOT NULL CHECK (state IN ('checking', 'ready', 'refused')),
    report                  jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(report) = 'array'),
    created_at              timestamptz NOT NULL DEFAULT now(),
    created_by              uuid NOT NULL REFERENCES owners,
    checked_at              timestamptz,
    sent_at                 timestamptz NOT NULL DEFAULT now(),
    sent                    integer NOT NULL DEFAULT 1 CHECK (sent > 0),
    title                   text NOT NULL,
    constraints             jsonb NOT NULL CHECK (jsonb_typeof(constraints) = 'object'),
    language_constraints    jsonb NOT NULL CHECK (jsonb_typeof(language_constraints) = 'object'),
    languages               text[] NOT NULL,
    checker_type            text NOT NULL
                            CHECK (checker_type IN ('tokens', 'exact', 'lines', 'float', 'kattis', 'program')),
    checker_tolerance       double precision NOT NULL,
    judging                 bytea,
    judging_sha256          bytea CHECK (octet_length(judging_sha256) = 32),
    outputs                 text[] NOT NULL,
    stop_on_first_failure   boolean NOT NULL,
    metadata                jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object'),
    programs                bytea,
    programs_sha256         bytea CHECK (octet_length(programs_sha256) = 32),
    UNIQUE (problem_id, number),
    CHECK ((state = 'checking') = (checked_at IS NULL)),
    CHECK (num_nonnulls(judging, judging_sha256) <= 1),
    CHECK (num_nonnulls(programs, programs_sha256) <= 1)
)
"""

CASES = """
CREATE TABLE problem_cases (
    version_id              uuid NOT NULL REFERENCES problem_versions ON DELETE CASCADE,
    ordinal                 integer NOT NULL CHECK (ordinal >= 0),
    name                    text NOT NULL,
    stdin                   bytea,
    stdin_sha256            bytea CHECK (octet_length(stdin_sha256) = 32),
    arguments               text[] NOT NULL,
    expected_stdout         bytea,
    expected_stdout_sha256  bytea CHECK (octet_length(expected_stdout_sha256) = 32),
    expected_exit_code      integer,
    timeout_ms              integer CHECK (timeout_ms > 0),
    is_hidden               boolean NOT NULL,
    points                  double precision,
    test_group              text,
    checker_arguments       text[] NOT NULL,
    description             text NOT NULL,
    PRIMARY KEY (version_id, ordinal),
    UNIQUE (version_id, name),
    CHECK (num_nonnulls(stdin, stdin_sha256) = 1),
    CHECK (num_nonnulls(expected_stdout, expected_stdout_sha256) <= 1)
)
"""

CASE_FILES = """
CREATE TABLE problem_case_files (
    version_id      uuid NOT NULL,
    ordinal         integer NOT NULL,
    role            text NOT NULL CHECK (role IN ('input', 'expected')),
    position        integer NOT NULL CHECK (position >= 0),
    path            text NOT NULL,
    mode            integer NOT NULL CHECK (mode BETWEEN 0 AND 511),
    size_bytes      bigint NOT NULL CHECK (size_bytes >= 0),
    content         bytea,
    content_sha256  bytea CHECK (octet_length(content_sha256) = 32),
    PRIMARY KEY (version_id, ordinal, role, position),
    UNIQUE (version_id, ordinal, role, path),
    FOREIGN KEY (version_id, ordinal) REFERENCES problem_cases ON DELETE CASCADE,
    CHECK (num_nonnulls(content, content_sha256) = 1)
)
"""

# A statement is of one language, and so are the pictures that it shows; an attachment is of none.
DOCUMENTS = """
CREATE TABLE problem_documents (
    version_id      uuid NOT NULL REFERENCES problem_versions ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('statement', 'picture', 'attachment')),
    language        text NOT NULL,
    position        integer NOT NULL CHECK (position >= 0),
    title           text NOT NULL,
    path            text NOT NULL,
    mode            integer NOT NULL CHECK (mode BETWEEN 0 AND 511),
    size_bytes      bigint NOT NULL CHECK (size_bytes >= 0),
    content         bytea,
    content_sha256  bytea CHECK (octet_length(content_sha256) = 32),
    PRIMARY KEY (version_id, role, language, position),
    UNIQUE (version_id, role, language, path),
    CHECK (role <> 'statement' OR position = 0),
    CHECK (num_nonnulls(content, content_sha256) = 1)
)
"""

# Null for what brought its own test cases. NOT VALID: it is null wherever there is anything yet.
EXECUTIONS = (
    "ALTER TABLE executions ADD COLUMN problem_version_id uuid",
    """
    ALTER TABLE executions ADD CONSTRAINT executions_problem_version_fkey
        FOREIGN KEY (problem_version_id) REFERENCES problem_versions NOT VALID
    """,
)

# Test cases of a submission and those of a version are in two tables, which one reference cannot name. Nothing is lost
# by it: a result goes with its execution, and test cases go with nothing less than their submission. The index was for
# that reference alone.
RESULTS = (
    "ALTER TABLE test_results DROP CONSTRAINT test_results_submission_id_ordinal_fkey",
    "DROP INDEX test_results_by_submission",
)

INDEXES = (
    "CREATE INDEX problems_by_owner ON problems (owner_id, id)",
    "CREATE INDEX problem_versions_checking ON problem_versions (sent_at) WHERE state = 'checking'",
    """
    CREATE INDEX IF NOT EXISTS executions_by_problem_version ON executions (problem_version_id)
        WHERE problem_version_id IS NOT NULL
    """,
)


def upgrade() -> None:
    """Add five tables and a column of executions; results refer to their execution alone."""
    connection = op.get_bind()
    for statement in (PROBLEMS, VERSIONS, CASES, CASE_FILES, DOCUMENTS, *EXECUTIONS, *RESULTS):
        connection.exec_driver_sql(statement)
    # The last one reads every execution there is: on a large table, make it before, CONCURRENTLY and under its name.
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in INDEXES:
        connection.exec_driver_sql(statement)
    op.execute("SET LOCAL statement_timeout = '5s'")
