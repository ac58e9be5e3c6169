import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from domain.logging import bound, configure, logger


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    # An application that was made before these tests is still at work after them.
    structlog.configure(**configured)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_it_works(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")

    with bound(execution_id="e-1"):
        logger("domain.test").info("graded", ordinal=3, path=b"\xff")
    logger("domain.test").info("idle")

    graded, idle = _lines(capsys)
    assert (graded["event"], graded["ordinal"], graded["execution_id"]) == ("graded", 3, "e-1")
    assert (graded["level"], graded["logger"]) == ("info", "domain.test")
    assert str(graded["timestamp"]).endswith("Z")
    assert "execution_id" not in idle


def test_what_libraries_log_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning")

    logging.getLogger("kombu").warning("lost %s", "it", extra={"queue": "normal"})

    (line,) = _lines(capsys)
    assert (line["event"], line["queue"], line["logger"]) == ("lost it", "normal", "kombu")


def test_the_level_counts_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning")

    logger("a").info("quiet")
    logging.getLogger("b").info("quiet")

    assert _lines(capsys) == []


def test_an_exception_stands_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")

    try:
        raise RuntimeError("broken")  # noqa: TRY301
    except RuntimeError:
        logger("a").exception("failed")

    (line,) = _lines(capsys)
    assert "RuntimeError: broken" in str(line["exception"])


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    configure("info")

    logger("a").info("once")

    assert len(_lines(capsys)) == 1


TOKEN = f"eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.{'eyJpc3MiOiJodHRwczovL2EifQ' * 3}.{'s1gn' * 20}"


@pytest.mark.parametrize(
    ("secret", "left"),
    [
        (f"shipd_0123456789ab_{'0a' * 32}", "shipd_0123456789ab_[secret]"),
        (f"shipd_0123456789ab_{'0a' * 20}", "shipd_0123456789ab_[secret]"),
        (TOKEN, "eyJ[secret]"),
        (TOKEN[:-60], "eyJ[secret]"),
    ],
)
def test_what_looks_like_a_key_or_a_token_loses_its_secret(
    capsys: pytest.CaptureFixture[str], secret: str, left: str
) -> None:
    configure("info")

    logger("a").info(f"got {secret}", header=f"Bearer {secret}", list=[secret])
    logging.getLogger("library").info("sent %s", secret)
    try:
        raise RuntimeError(secret)  # noqa: TRY301
    except RuntimeError:
        logger("a").exception("failed")

    lines = _lines(capsys)
    assert secret[20:] not in str(lines)
    assert (lines[0]["event"], lines[0]["header"], lines[0]["list"]) == (f"got {left}", f"Bearer {left}", [left])
    assert lines[1]["event"] == f"sent {left}"


def test_other_texts_are_logged_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    texts = ["shipd_0123456789ab", "eyJ.tar.gz", "shipd_soak/slot_0", "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ"]

    logger("a").info("said", texts=texts)

    assert _lines(capsys)[0]["texts"] == texts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cannot reach postgresql://shipd:pass@db/shipd", "cannot reach postgresql://shipd:[secret]@db/shipd"),
        ("redis://:p-a_s%40s@127.0.0.1:1/0 is away", "redis://:[secret]@127.0.0.1:1/0 is away"),
        ("https://example.org:8000/a@b", "https://example.org:8000/a@b"),
        ("mail a@example.org, see https://example.org", "mail a@example.org, see https://example.org"),
    ],
)
def test_no_password_of_a_url_is_logged(capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    configure("info")
    logger("domain.test").warning("away", error=text)
    (line,) = _lines(capsys)
    assert line["error"] == said
