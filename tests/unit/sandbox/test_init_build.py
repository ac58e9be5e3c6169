import subprocess
from pathlib import Path

import pytest

from sandbox import init
from sandbox.result import SandboxError


def test_it_builds_a_static_program_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = init.build(tmp_path)
    assert built == init.built_path(tmp_path)
    assert built.stat().st_mode & 0o777 == 0o755
    assert built.read_bytes()[:4] == b"\x7fELF"
    monkeypatch.setattr(init, "COMPILER", ("/no/compiler",))
    assert init.build(tmp_path) == built
    assert list(built.parent.iterdir()) == [built]


def test_it_is_nothing_but_the_first_process_of_a_jail(tmp_path: Path) -> None:
    built = init.build(tmp_path)
    for argv in ([str(built)], [str(built), "0"], [str(built), "0", "1"]):
        assert subprocess.run(argv, check=False, stdin=subprocess.DEVNULL).returncode == 2


def test_another_source_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = init.built_path(tmp_path)
    source = tmp_path / "init.c"
    source.write_text("int main(void) { return 0; }\n")
    monkeypatch.setattr(init, "SOURCE", source)
    assert init.built_path(tmp_path) != before
    assert init.build(tmp_path) != before


def test_a_missing_compiler_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "COMPILER", ("/no/compiler",))
    with pytest.raises(SandboxError, match="apt-get install -y gcc"):
        init.build(tmp_path)


def test_what_the_compiler_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "init.c"
    source.write_text("int main(void) { return nothing; }\n")
    monkeypatch.setattr(init, "SOURCE", source)
    with pytest.raises(SandboxError, match=r"(?s)does not build: .*nothing"):
        init.build(tmp_path)
    assert not init.built_path(tmp_path).exists()


def test_its_steps_are_named_as_in_the_source() -> None:
    source = init.SOURCE.read_text()
    steps = source[source.index("enum step {") : source.index("};", source.index("enum step {"))]
    assert steps.count("STEP_") == len(init.STEPS)
