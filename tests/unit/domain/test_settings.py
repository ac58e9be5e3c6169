import socket
from pathlib import Path

import pytest

from domain.fair import Usual
from domain.limits import Range
from domain.settings import Settings, database_url

NEEDED = {"DATABASE_URL": "postgresql://u:secret@h/d", "REDIS_URL": "redis://:secret@h/0"}


def _read(**more: str) -> Settings:
    return Settings.from_environment(NEEDED | more)


def test_it_works() -> None:
    settings = _read()

    assert settings.database_url == NEEDED["DATABASE_URL"]
    assert settings.redis_url == settings.broker_url == NEEDED["REDIS_URL"]
    assert settings.blob_dir == Path("var/blobs").absolute()
    assert (settings.jail_configs / "languages").is_dir()
    assert settings.slots is None
    assert settings.host_name == socket.gethostname()
    assert settings.max_body_bytes == 64 * 1024 * 1024


def test_everything_can_be_set(tmp_path: Path) -> None:
    settings = _read(
        BROKER_URL="redis://other/1",
        SHIPD_STATE_DIR=str(tmp_path),
        SHIPD_INSTANCE="blue-2",
        SHIPD_JAIL_CONFIGS="/etc/shipd",
        SHIPD_CGROUPS="none",
        SHIPD_SLOTS="3",
        SHIPD_HOST="worker.example",
        SHIPD_LEASE_S="7",
        SHIPD_DB_POOL_MIN="9",
        SHIPD_DB_POOLER="transaction",
        SHIPD_MAX_ATTEMPTS="1",
        SHIPD_OIDC=str(tmp_path / "oidc.toml"),
        SENTRY_DSN="https://key@sentry/1",
        SHIPD_LOG_LEVEL="debug",
    )

    assert settings.broker_url == "redis://other/1"
    assert settings.blob_dir == tmp_path / "blobs"
    assert settings.jail_configs == Path("/etc/shipd")
    assert (settings.instance, settings.cgroups, settings.slots) == ("blue-2", "none", 3)
    assert (settings.host_name, settings.lease_s, settings.max_attempts) == ("worker.example", 7, 1)
    assert (settings.db_pool_min, settings.db_pool_max, settings.db_pooler) == (9, 9, "transaction")
    assert settings.oidc_file == tmp_path / "oidc.toml"
    assert (settings.sentry_dsn, settings.log_level) == ("https://key@sentry/1", "debug")


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://from/file\n")

    settings = Settings.from_environment({"DATABASE_URL_FILE": str(file), "REDIS_URL": "redis://h"})

    assert settings.database_url == "postgresql://from/file"


def test_migrations_need_the_database_alone() -> None:
    assert database_url({"DATABASE_URL": "postgres://h/d"}) == "postgres://h/d"


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(_read(SENTRY_DSN="https://secret@sentry/1"))


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"DATABASE_URL": ""}, r"DATABASE_URL is not set; set it, or DATABASE_URL_FILE, to a URL"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"DATABASE_URL": "mysql://secret"}, "DATABASE_URL .* must start with postgresql:// or postgres://"),
        ({"BROKER_URL": "kafka://secret"}, "BROKER_URL .* must start with redis://"),
        ({"DATABASE_URL_FILE": "/nowhere"}, "DATABASE_URL and DATABASE_URL_FILE are both set"),
        ({"SENTRY_DSN_FILE": "/nowhere"}, "SENTRY_DSN_FILE: cannot read /nowhere"),
        ({"SHIPD_INSTANCE": "Blue"}, r"SHIPD_INSTANCE='Blue' does not fit; it must match \[a-z0-9-\]"),
        ({"SHIPD_INSTANCE": "x" * 33}, "SHIPD_INSTANCE"),
        ({"SHIPD_HOST": "a b"}, "SHIPD_HOST"),
        ({"SHIPD_CGROUPS": "v2"}, "SHIPD_CGROUPS='v2' is unknown; it must be auto or none"),
        ({"SHIPD_LOG_LEVEL": "loud"}, "SHIPD_LOG_LEVEL"),
        ({"SHIPD_SLOTS": "0"}, "SHIPD_SLOTS=0 is out of range; it must be a whole number >= 1"),
        ({"SHIPD_SLOTS": "two"}, "SHIPD_SLOTS='two' is not a number"),
        ({"SHIPD_LEASE_S": "1.5"}, "SHIPD_LEASE_S"),
        ({"SHIPD_SWEEP_S": "-1"}, "SHIPD_SWEEP_S"),
        ({"SHIPD_SWEEP_S": "1_0"}, "SHIPD_SWEEP_S"),
        ({"SHIPD_DB_POOL_MAX": "0"}, "SHIPD_DB_POOL_MAX"),
        ({"SHIPD_DB_POOLER": "session"}, "SHIPD_DB_POOLER='session' is unknown; it must be none or transaction"),
        ({"SHIPD_EXECUTION_CACHE_MB": "-1"}, "SHIPD_EXECUTION_CACHE_MB='-1' is not a number"),
        ({"SHIPD_EXECUTION_CACHE_MB": "2000000"}, "SHIPD_EXECUTION_CACHE_MB=2000000 .* from 0 to 1048576"),
        ({"SHIPD_EXECUTION_CACHE_TTL_S": "0"}, "SHIPD_EXECUTION_CACHE_TTL_S=0 .* from 1 to 2592000"),
        ({"SHIPD_EXECUTION_CACHE_TTL_S": "2592001"}, "SHIPD_EXECUTION_CACHE_TTL_S"),
        ({"SHIPD_MAX_MEMORY_MB": "9000"}, "SHIPD_MAX_MEMORY_MB=9000 .* from 4 to 8192"),
        ({"SHIPD_MAX_MEMORY_MB": "3"}, "SHIPD_MAX_MEMORY_MB"),
        ({"SHIPD_DEFAULT_MEMORY_MB": "257"}, "SHIPD_DEFAULT_MEMORY_MB=257 .* from 4 to 256"),
        ({"SHIPD_MAX_TIMEOUT_MS": "50", "SHIPD_DEFAULT_TIMEOUT_MS": "51"}, "SHIPD_DEFAULT_TIMEOUT_MS"),
    ],
)
def test_a_wrong_value_stops_the_start_and_says_why(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        _read(**environ)

    assert "secret" not in str(raised.value)


def test_limits_can_be_lowered() -> None:
    ranges = _read(SHIPD_MAX_MEMORY_MB="128", SHIPD_DEFAULT_TIMEOUT_MS="2000", SHIPD_DEFAULT_DISK_MB="32").ranges

    assert ranges.memory_mb == Range(128, 4, 128)
    assert ranges.timeout_ms == Range(2000, 10, 300_000)
    assert ranges.disk_mb == Range(32, 1, 10_240)
    assert ranges.wall_timeout_ms == Range(None, 10, 605_000)


def test_how_long_results_are_kept_can_be_set() -> None:
    usual, off = _read(), _read(SHIPD_EXECUTION_CACHE_MB="0", SHIPD_EXECUTION_CACHE_TTL_S="60")

    assert (usual.execution_cache_mb, usual.execution_cache_ttl_s) == (64, 3600)
    assert (off.execution_cache_mb, off.execution_cache_ttl_s) == (0, 60)


def test_networks_of_programs_can_be_set() -> None:
    usual = _read()
    assert (usual.network, str(usual.network_block), usual.network_deny) == ("auto", "198.18.0.0/16", ())
    assert usual.network_resolver is None
    changed = _read(
        SHIPD_NETWORK="off",
        SHIPD_NETWORK_BLOCK="198.19.0.0/20",
        SHIPD_NETWORK_DENY="api.example, 203.0.113.0/24,",
        SHIPD_NETWORK_RESOLVER="10.0.0.53",
    )
    assert (changed.network, str(changed.network_block)) == ("off", "198.19.0.0/20")
    assert changed.network_deny == ("api.example", "203.0.113.0/24")
    assert str(changed.network_resolver) == "10.0.0.53"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHIPD_NETWORK", "on"),
        *(("SHIPD_NETWORK_BLOCK", text) for text in ("198.18.0.0/25", "198.18.0.1/16", "fd00::/16", "many")),
        *(("SHIPD_NETWORK_RESOLVER", text) for text in ("127.0.0.53", "0.0.0.0", "224.0.0.1", "::1", "dns.example")),  # noqa: S104
    ],
)
def test_a_network_that_cannot_be_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        _read(**{name: value})


def test_pages_of_other_origins_can_be_let_in() -> None:
    found = _read(SHIPD_CORS_ORIGINS="https://code.example.org, http://localhost:3000,http://[::1]:8000").cors_origins
    assert _read().cors_origins == ()
    assert found == ("https://code.example.org", "http://localhost:3000", "http://[::1]:8000")


@pytest.mark.parametrize(
    "value",
    [
        *("*", "null", "code.example.org", "https://code.example.org/", "https://*.example.org", "https://A.org"),
        *("ftp://a.org", "https://a.org:0", "https://u@a.org", "https://a.org?x", "https://a.org b", "https://-a.org"),
    ],
)
def test_what_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"SHIPD_CORS_ORIGINS.*is not an origin; it must be"):
        _read(SHIPD_CORS_ORIGINS=value)


def test_limits_of_use_can_be_set() -> None:
    settings = _read(
        SHIPD_PERSON_RATE="none",
        SHIPD_SERVICE_RATE="5/second;100/hour",
        SHIPD_TOTAL_RATE="1000/minute",
        SHIPD_AT_ONCE="3",
        SHIPD_CPU_S_PER_DAY="60",
        SHIPD_MOST_QUEUED="7",
        SHIPD_PERSON_BODY_BYTES="2048",
        SHIPD_SERVICE_SOURCE_BYTES="4096",
    )

    rates = (settings.person_rate, settings.service_rate, settings.total_rate)
    assert rates == ("", "5/second;100/hour", "1000/minute")
    assert settings.usual == Usual(at_once=3, cpu_s_per_day=60)
    assert (settings.most_queued, settings.person_body_bytes, settings.service_source_bytes) == (7, 2048, 4096)


def test_what_is_no_rate_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"SHIPD_TOTAL_RATE='often': .*`120/minute`.*, or `none`"):
        _read(SHIPD_TOTAL_RATE="often")
