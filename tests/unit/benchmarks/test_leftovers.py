import os
from pathlib import Path

import pytest

from benchmarks.leftovers import is_left, remove

GONE = 2**22 + 1
"""More than any process of any machine has: the kernel's highest pid is below."""


@pytest.mark.parametrize("name", ["shipd-bench-{}", "shipd-bench-{}-cpp-cold", "platform-{}", "rows-{}"])
def test_what_is_named_after_a_process_that_is_gone_is_left(name: str) -> None:
    assert is_left(name.format(GONE))
    assert not is_left(name.format(os.getpid()))


@pytest.mark.parametrize(
    "name", ["latest.json", f"other-{GONE}", f"shipd-{GONE}", "shipd-bench-x", f"platform-{GONE}x"]
)
def test_nothing_else_is(name: str) -> None:
    assert not is_left(name)


def test_folders_of_the_dead_go_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.leftovers.trees", lambda: [tmp_path / "no tree"])
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    for name in (f"tmp/shipd-bench-{GONE}-abc", f"bench/platform-{GONE}", f"bench/platform-{os.getpid()}", "bench/own"):
        (tmp_path / name).mkdir(parents=True)
    remove(tmp_path / "bench")
    assert sorted(path.name for path in (tmp_path / "bench").iterdir()) == ["own", f"platform-{os.getpid()}"]
    assert list((tmp_path / "tmp").iterdir()) == []
