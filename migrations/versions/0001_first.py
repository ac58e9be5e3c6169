"""The first schema: keys, submissions with their parts, executions with their results, telemetry, hosts.

A value of any bytes is two columns, `x bytea` and `x_sha256 bytea` (in the blob store), see `domain/payload.py`. An
output has two more, `x_size_bytes` and `x_is_text`, so that its beginning can be shown: `domain/outputs.py`.
"""

from alembic import op

revision = "0001"
down_revision = None

API_KEYS = """
CREATE TABLE api_keys (
    id              uuid PRIMARY KEY,
    name            text NOT NULL,
    role            text NOT NULL CHECK (role IN ('admin', 'service', 'submitter')),
    prefix          text NOT NULL UNIQUE,
    secret_sha256   bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz,
    revoked_at      timestamptz
)
"""

SUBMISSIONS = """
CREATE TABLE submissions (
    id                      uuid PRIMARY KEY,
    owner_id                uuid NOT NULL REFERENCES api_keys,
    created_at              timestamptz NOT NULL DEFAULT now(),
    body_sha256             bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    language                text NOT NULL,
    entry_point             text,
    arguments               text[] NOT NULL,
    timeout_ms              integer NOT NULL CHECK (timeout_ms > 0),
    wall_timeout_ms         integer CHECK (wall_timeout_ms > 0),
    memory_mb               integer NOT NULL CHECK (memory_mb > 0),
    cpu_millicores          integer NOT NULL CHECK (cpu_millicores > 0),
    disk_mb                 integer CHECK (disk_mb > 0),
    output_kb               integer NOT NULL CHECK (output_kb > 0),
    processes               integer NOT NULL CHECK (processes > 0),
    network_enabled         boolean NOT NULL,
    file_kb                 integer CHECK (file_kb > 0),
    needs_root              boolean NOT NULL,
    checker_type            text NOT NULL CHECK (checker_type IN ('tokens', 'exact', 'lines', 'float')),
    checker_tolerance       double precision NOT NULL,
    outputs                 text[] NOT NULL,
    stop_on_first_failure   boolean NOT NULL,
    priority                text NOT NULL CHECK (priority IN ('interactive', 'normal', 'bulk')),
    problem_id              text,
    user_id                 text,
    metadata                jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object')
)
"""

SOURCE_FILES = """
CREATE TABLE source_files (
    submission_id   uuid NOT NULL REFERENCES submissions ON DELETE CASCADE,
    position        integer NOT NULL CHECK (position >= 0),
    path            text NOT NULL,
    mode            integer NOT NULL CHECK (mode BETWEEN 0 AND 511),
    content         bytea,
    content_sha256  bytea CHECK (octet_length(content_sha256) = 32),
    PRIMARY KEY (submission_id, position),
    UNIQUE (submission_id, path),
    CHECK (num_nonnulls(content, content_sha256) = 1)
)
"""

TEST_CASES = """
CREATE TABLE test_cases (
    submission_id           uuid NOT NULL REFERENCES submissions ON DELETE CASCADE,
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
    points                  bigint,
    test_group              text,
    PRIMARY KEY (submission_id, ordinal),
    CHECK (num_nonnulls(stdin, stdin_sha256) = 1),
    CHECK (num_nonnulls(expected_stdout, expected_stdout_sha256) <= 1)
)
"""

TEST_CASE_FILES = """
CREATE TABLE test_case_files (
    submission_id   uuid NOT NULL,
    ordinal         integer NOT NULL,
    role            text NOT NULL CHECK (role IN ('input', 'expected')),
    position        integer NOT NULL CHECK (position >= 0),
    path            text NOT NULL,
    mode            integer NOT NULL CHECK (mode BETWEEN 0 AND 511),
    content         bytea,
    content_sha256  bytea CHECK (octet_length(content_sha256) = 32),
    PRIMARY KEY (submission_id, ordinal, role, position),
    UNIQUE (submission_id, ordinal, role, path),
    FOREIGN KEY (submission_id, ordinal) REFERENCES test_cases ON DELETE CASCADE,
    CHECK (num_nonnulls(content, content_sha256) = 1)
)
"""

# `attempt` only ever grows: with `worker` it is the token without which nothing is written. `given_back` are the
# attempts that do not count against the execution. `sent` and `sent_at` are about messages; `versions` is null until
# the telemetry is written.
EXECUTIONS = """
CREATE TABLE executions (
    id                          uuid PRIMARY KEY,
    submission_id               uuid NOT NULL REFERENCES submissions ON DELETE CASCADE,
    number                      integer NOT NULL CHECK (number > 0),
    priority                    text NOT NULL CHECK (priority IN ('interactive', 'normal', 'bulk')),
    state                       text NOT NULL DEFAULT 'queued'
                                CHECK (state IN ('queued', 'preparing', 'compiling', 'running', 'done', 'cancelled')),
    verdict                     text CHECK (verdict IN ('AC', 'WA', 'TLE', 'MLE', 'OLE', 'RTE', 'CE', 'JE', 'OK')),
    reason                      text,
    message                     text NOT NULL DEFAULT '',
    attempt                     integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    given_back                  integer NOT NULL DEFAULT 0 CHECK (given_back BETWEEN 0 AND attempt),
    worker                      text,
    lease_until                 timestamptz,
    queued_at                   timestamptz NOT NULL DEFAULT now(),
    sent_at                     timestamptz NOT NULL DEFAULT now(),
    sent                        integer NOT NULL DEFAULT 1 CHECK (sent > 0),
    started_at                  timestamptz,
    finished_at                 timestamptz,
    compile_output              bytea,
    compile_output_sha256       bytea CHECK (octet_length(compile_output_sha256) = 32),
    compile_output_size_bytes   bigint CHECK (compile_output_size_bytes >= 0),
    compile_output_is_text      boolean,
    points                      bigint,
    cpu_time_ms                 bigint CHECK (cpu_time_ms >= 0),
    wall_time_ms                bigint CHECK (wall_time_ms >= 0),
    memory_bytes                bigint CHECK (memory_bytes >= 0),
    usage_source                text CHECK (usage_source IN ('cgroup', 'sampled')),
    queue_ms                    bigint CHECK (queue_ms >= 0),
    prepare_ms                  bigint CHECK (prepare_ms >= 0),
    compile_ms                  bigint CHECK (compile_ms >= 0),
    run_ms                      bigint CHECK (run_ms >= 0),
    check_ms                    bigint CHECK (check_ms >= 0),
    collect_ms                  bigint CHECK (collect_ms >= 0),
    host                        text,
    versions                    jsonb,
    language_metrics            jsonb,
    UNIQUE (submission_id, number),
    UNIQUE (id, submission_id),
    CHECK ((state = 'done') = (verdict IS NOT NULL)),
    CHECK ((state IN ('done', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK ((state IN ('preparing', 'compiling', 'running')) = (lease_until IS NOT NULL)),
    CHECK (lease_until IS NULL OR worker IS NOT NULL),
    CHECK (num_nonnulls(compile_output, compile_output_sha256) <= 1),
    CHECK (num_nonnulls(compile_output, compile_output_sha256) = num_nonnulls(compile_output_size_bytes)),
    CHECK (num_nonnulls(compile_output_is_text) = num_nonnulls(compile_output_size_bytes)),
    CHECK (octet_length(compile_output) = compile_output_size_bytes),
    CHECK (num_nonnulls(cpu_time_ms, wall_time_ms, usage_source) IN (0, 3))
)
"""

TEST_RESULTS = """
CREATE TABLE test_results (
    execution_id        uuid NOT NULL,
    submission_id       uuid NOT NULL,
    ordinal             integer NOT NULL,
    verdict             text CHECK (verdict IN ('AC', 'WA', 'TLE', 'MLE', 'OLE', 'RTE', 'JE', 'OK')),
    reason              text,
    message             text NOT NULL,
    exit_code           integer,
    exit_signal         integer,
    stdout              bytea,
    stdout_sha256       bytea CHECK (octet_length(stdout_sha256) = 32),
    stdout_size_bytes   bigint NOT NULL CHECK (stdout_size_bytes >= 0),
    stdout_is_text      boolean NOT NULL,
    stderr              bytea,
    stderr_sha256       bytea CHECK (octet_length(stderr_sha256) = 32),
    stderr_size_bytes   bigint NOT NULL CHECK (stderr_size_bytes >= 0),
    stderr_is_text      boolean NOT NULL,
    cpu_time_ms         bigint CHECK (cpu_time_ms >= 0),
    wall_time_ms        bigint CHECK (wall_time_ms >= 0),
    memory_bytes        bigint CHECK (memory_bytes >= 0),
    usage_source        text CHECK (usage_source IN ('cgroup', 'sampled')),
    points              bigint,
    PRIMARY KEY (execution_id, ordinal),
    FOREIGN KEY (execution_id, submission_id) REFERENCES executions (id, submission_id) ON DELETE CASCADE,
    FOREIGN KEY (submission_id, ordinal) REFERENCES test_cases ON DELETE CASCADE,
    CHECK ((verdict IS NULL) = (reason IS NOT DISTINCT FROM 'skipped')),
    CHECK (num_nonnulls(exit_code, exit_signal) <= 1),
    CHECK (num_nonnulls(stdout, stdout_sha256) = 1),
    CHECK (octet_length(stdout) = stdout_size_bytes),
    CHECK (num_nonnulls(stderr, stderr_sha256) = 1),
    CHECK (octet_length(stderr) = stderr_size_bytes),
    CHECK (num_nonnulls(cpu_time_ms, wall_time_ms, usage_source) IN (0, 3))
)
"""

ARTIFACTS = """
CREATE TABLE artifacts (
    execution_id    uuid NOT NULL,
    ordinal         integer NOT NULL,
    path            text NOT NULL,
    size_bytes      bigint NOT NULL CHECK (size_bytes >= 0),
    sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
    truncated       boolean NOT NULL,
    PRIMARY KEY (execution_id, ordinal, path),
    FOREIGN KEY (execution_id, ordinal) REFERENCES test_results ON DELETE CASCADE
)
"""

# One row per jailed run; that of a compiler has the ordinal 0. What was spent stands here too, so that the data set
# can be kept when the results are gone.
TELEMETRY = """
CREATE TABLE telemetry (
    execution_id        uuid NOT NULL REFERENCES executions ON DELETE CASCADE,
    kind                text NOT NULL CHECK (kind IN ('compile', 'test')),
    ordinal             integer NOT NULL CHECK (ordinal >= 0),
    cpu_time_ms         bigint,
    wall_time_ms        bigint,
    memory_bytes        bigint,
    usage_source        text CHECK (usage_source IN ('cgroup', 'sampled')),
    cpu_user_ms         bigint,
    cpu_system_ms       bigint,
    pids_peak           bigint,
    page_faults         bigint,
    page_faults_major   bigint,
    context_switches    bigint,
    cpu_migrations      bigint,
    bytes_read          bigint,
    bytes_written       bigint,
    system_calls        bigint,
    network_bytes       bigint,
    disk_bytes          bigint,
    slot                integer,
    prepare_us          bigint,
    mode                text,
    sources             jsonb,
    PRIMARY KEY (execution_id, kind, ordinal),
    CHECK (kind = 'test' OR ordinal = 0),
    CHECK (num_nonnulls(cpu_time_ms, wall_time_ms, usage_source) IN (0, 3))
)
"""

HOSTS = """
CREATE TABLE hosts (
    name            text PRIMARY KEY,
    cpus            integer NOT NULL CHECK (cpus > 0),
    memory_bytes    bigint NOT NULL CHECK (memory_bytes > 0),
    root            boolean NOT NULL,
    languages       jsonb NOT NULL CHECK (jsonb_typeof(languages) = 'object'),
    missing         jsonb NOT NULL CHECK (jsonb_typeof(missing) = 'object'),
    reported_at     timestamptz NOT NULL DEFAULT now(),
    seen_at         timestamptz NOT NULL DEFAULT now()
)
"""

INDEXES = (
    "CREATE INDEX submissions_by_owner ON submissions (owner_id, created_at, id)",
    "CREATE INDEX submissions_by_time ON submissions (created_at, id)",
    # Without it the deletion of every test case would read all results there are.
    "CREATE INDEX test_results_by_submission ON test_results (submission_id)",
    "CREATE INDEX executions_queued ON executions (sent_at) WHERE state = 'queued'",
    "CREATE INDEX executions_leased ON executions (lease_until) WHERE lease_until IS NOT NULL",
)

TABLES = (
    API_KEYS,
    SUBMISSIONS,
    SOURCE_FILES,
    TEST_CASES,
    TEST_CASE_FILES,
    EXECUTIONS,
    TEST_RESULTS,
    ARTIFACTS,
    TELEMETRY,
    HOSTS,
)


def upgrade() -> None:
    """Make all tables."""
    connection = op.get_bind()
    for statement in (*TABLES, *INDEXES):
        connection.exec_driver_sql(statement)
