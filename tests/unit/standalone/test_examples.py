import json
from pathlib import Path

import pytest

from standalone import examples
from standalone.programs import TREE


def test_every_language_and_every_kind_of_verdict_has_one() -> None:
    known = examples.load(TREE / "examples")
    accepted = {example.language.partition("@")[0] for example in known if example.verdict == "AC"}
    assert accepted == {path.stem for path in (TREE / "jail-configs" / "languages").glob("*.toml")}
    assert {example.verdict for example in known} >= {"AC", "TLE", "WA", "CE", "RTE", "MLE", "OLE"}


def _write(folder: Path, files: list[str]) -> Path:
    folder.mkdir()
    for name in files:
        (folder / name).write_text(f"text of {name}")
    described = {"title": "One", "verdict": "AC", "files": files, "request": {"language": "c"}}
    path = folder / "example.json"
    path.write_text(json.dumps(described))
    return path


def test_one_file_is_sent_as_code(tmp_path: Path) -> None:
    example = examples.read(_write(tmp_path / "one", ["main.c"]))
    assert example.request["source"] == {"type": "code", "filename": "main.c", "content": "text of main.c"}


def test_several_files_are_sent_as_files(tmp_path: Path) -> None:
    example = examples.read(_write(tmp_path / "two", ["main.c", "a.h"]))
    assert example.request["source"] == {
        "type": "files",
        "files": [{"path": "main.c", "content": "text of main.c"}, {"path": "a.h", "content": "text of a.h"}],
    }


def test_one_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path / "one", ["main.c"])
    (path.parent / "main.c").unlink()
    with pytest.raises(ValueError, match=str(path)):
        examples.load(tmp_path)
