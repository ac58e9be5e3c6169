from pathlib import Path

import pytest

from domain.ahead import Ahead, read_ahead
from domain.language_files import read
from domain.languages import Languages
from domain.model import File

FOLDER = Path(__file__).parents[3] / "jail-configs" / "languages"
AHEAD = Ahead("main.x", not_beside=("settings",), not_naming=("age", "clock"))
MAIN = File("main.x", b"say hello")


@pytest.mark.parametrize(
    ("files", "suits"),
    [
        ((MAIN,), True),
        ((MAIN, File("lib/other.x", b"\xff\0")), True),
        ((MAIN, File("lib/settings.x", b"")), True),
        ((MAIN, File("settings", b"")), False),
        ((MAIN, File("lib/settings", b"")), False),
        ((File("main.x", b"say my clock"),), False),
        ((MAIN, File("lib/other.x", b"\xffageless")), False),
        ((File("main.x", b"", 0o755),), True),
        ((File("main.x", b"", 0o044),), False),
        ((File("main.x/file", b""),), False),
        ((File("other.x", b""),), False),
        ((), False),
    ],
)  # fmt: skip
def test_it_suits_programs_that_could_tell_no_difference(files: tuple[File, ...], suits: bool) -> None:
    assert AHEAD.suits(files, "main.x") is suits


def test_what_is_too_large_to_be_looked_through_is_started_plainly() -> None:
    assert AHEAD.suits([MAIN, File("large", bytes(4 << 20))], "main.x") is False


def test_words_are_looked_for_only_where_there_are_any() -> None:
    assert Ahead("main.x").suits([File("main.x", b"clock")], "main.x")


@pytest.mark.parametrize(
    "value",
    [
        "main.x",
        {},
        {"file": 1},
        {"file": ""},
        {"file": "a", "unknown": []},
        {"file": "a", "not_beside": "b"},
        {"file": "a", "not_naming": [1]},
        {"file": "a", "not_naming": [""]},
    ],
)
def test_a_wrong_table_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="ahead"):
        read_ahead(value)


def test_a_wrong_table_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    text = (FOLDER / "javascript.toml").read_text()
    path.write_text(text.replace('file = "{entry}"', "files = 1"))
    with pytest.raises(ValueError, match=r"x\.toml.*ahead is \{file"):
        read(path)


def test_no_table_is_none() -> None:
    assert read_ahead(None) is None


def test_the_languages_that_ship_say_where_they_can_be_held() -> None:
    known = Languages.load(FOLDER).known
    held = {name: language.run.ahead.file for name, language in known.items() if language.run.ahead is not None}
    assert held == {"java": "classes/{main_class_path}.class", "javascript": "{entry}"}


@pytest.mark.parametrize(
    "text",
    [
        "if (performance.now() > 1900) stop();",
        "const { performance: clock } = require('perf_hooks');",
        "while (process.uptime() < 2) {}",
        "new PerformanceObserver(f)",
        "console.log(new Event('x').timeStamp)",
        "fs.readFileSync('/proc/self/stat')",
    ],
)
def test_a_script_that_asks_for_its_age_is_started_plainly(text: str) -> None:
    ahead = Languages.load(FOLDER).known["javascript"].run.ahead
    assert ahead is not None
    assert not ahead.suits([File("main.js", text.encode())], "main.js")
    assert ahead.suits([File("main.js", b"const began = Date.now(); process.hrtime.bigint();")], "main.js")
