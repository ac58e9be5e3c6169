"""What compilers are given to save them time, in real jails: read by every compile, written by none.

pytest's own folders are closed to other users, as `/root` is: what is shown from there goes through a mount of ours.
"""

import errno
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from domain.languages import Languages
from domain.model import File
from sandbox import Cause, Command, Sandbox, SandboxError
from sandbox.image import MOUNTS
from sandbox.reach import is_open, reachable
from tests.jail.conftest import CONFIGS, LOCAL_MODES, ROOT
from tests.jail.running import MIB, PYTHON, limits
from tests.unit.workers.making import planned
from workers import caches, host, prepared
from workers.compile import Compiled, CompileError, compile_submission
from workers.prepare import PREPARED_DIR, Plan

BITS = b"#include <bits/stdc++.h>\n"
SORT = (
    BITS
    + b"using namespace std;\n"
    + b"int main() { vector<int> v; int x; while (cin >> x) v.push_back(x); sort(begin(v), end(v)); }"
)
WRITES = f"""
import os
for path in ({PREPARED_DIR!r}, {PREPARED_DIR + "/bits"!r}):
    for attempt in (
        lambda: open(path + "/new", "w"),
        lambda: os.mkdir(path + "/folder"),
        lambda: os.chmod(path, 0o777),
        lambda: os.symlink("/etc", path + "/link"),
        lambda: os.utime(path),
    ):
        try:
            attempt()
        except OSError as error:
            print(error.errno, end=" ")
        else:
            print("WRITTEN", end=" ")
for attempt in (
    lambda: open({PREPARED_DIR!r} + "/bits/stdc++.h.gch", "r+b"),
    lambda: os.truncate({PREPARED_DIR!r} + "/bits/stdc++.h.gch", 0),
    lambda: os.unlink({PREPARED_DIR!r} + "/bits/stdc++.h.gch"),
    lambda: os.rename({PREPARED_DIR!r} + "/bits", {PREPARED_DIR!r} + "/other"),
    lambda: os.setxattr({PREPARED_DIR!r}, "user.x", b"1"),
):
    try:
        attempt()
    except OSError as error:
        print(error.errno, end=" ")
    else:
        print("WRITTEN", end=" ")
"""

pytestmark = pytest.mark.skipif(not ROOT, reason="shows a folder below a closed one, which takes root")


@pytest.fixture(scope="module")
def sandbox(sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    return sandboxes[LOCAL_MODES[0]]


@pytest.fixture(scope="module")
def root(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that can be prepared here, made once; below a folder that nobody else may enter."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    folder = closed / "prepared"
    folder.mkdir()
    options = ["--state", str(sandbox.config.state_dir), "--folder", str(folder)]
    before, made, again, after = (
        CliRunner().invoke(caches.main, [*options, *more]) for more in (["--check"], [], [], ["--check"])
    )
    assert (before.exit_code, made.exit_code, again.exit_code, after.exit_code) == (1, 0, 0, 0), made.output
    assert "cpp@17: missing\n" in before.output
    assert "cpp@17: made\n" in made.output
    assert "cpp@17: ready\n" in again.output == after.output
    return folder


@pytest.fixture
def folders(root: Path, sandbox: Sandbox) -> Iterator[Mapping[str, Path]]:
    languages = Languages.load(CONFIGS / "languages")
    with reachable(root, sandbox.config.instance, "prepared") as place:
        yield prepared.find(place, languages, host.look(languages).toolchains)


def compiled(sandbox: Sandbox, plan: Plan, folder: Path | None) -> Compiled:
    with sandbox.slot() as slot:
        return compile_submission(sandbox, slot, plan, folder)


def test_a_compile_jail_cannot_write_it(sandbox: Sandbox, folders: Mapping[str, Path]) -> None:
    mounts = [(str(folders["cpp@17"]), PREPARED_DIR)]
    command = Command((PYTHON, "-B", "main.py"), "compile")
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 16 * MIB, mounts) as jail:
        jail.box.write("main.py", WRITES.encode())
        result = jail.run(command, limits())
    assert result.cause is Cause.EXIT, result
    said = result.stdout.decode().split()
    assert "WRITTEN" not in said
    assert len(said) == 15
    # By the mount already, not only because the files are somebody else's.
    assert int(said[1]) == errno.EROFS
    assert prepared.fault(folders["cpp@17"].parent) is None


def test_a_jail_that_was_not_shown_it_sees_nothing(sandbox: Sandbox, folders: Mapping[str, Path]) -> None:
    assert folders
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 16 * MIB) as jail:
        jail.box.write("main.py", b"import os; print(os.path.exists('/opt'))")
        result = jail.run(Command((PYTHON, "-B", "main.py"), "compile"), limits())
    assert result.stdout == b"False\n"


def spent(made: Compiled) -> int:
    assert made.usage is not None
    return made.usage.cpu_time_ms


@pytest.mark.parametrize(
    ("language", "path", "content"),
    [
        ("cpp@17", "main.cpp", SORT),
        ("cpp@20", "main.cpp", SORT),
        (
            "cpp@17",
            "main.cpp",
            SORT + b'\n#pragma GCC target("avx2")\n#pragma GCC optimize("O3")\nint f() { return 1; }',
        ),
        ("go@1.19", "main.go", b'package main\nimport "fmt"\nfunc main() { fmt.Println(1) }\n'),
        (
            "java@17",
            "Main.java",
            b"public class Main { public static void main(String[] a) { Runnable r = () -> {}; } }",
        ),
    ],
)
def test_the_program_is_the_same_with_it_and_for_less(
    sandbox: Sandbox, folders: Mapping[str, Path], language: str, path: str, content: bytes
) -> None:
    plan = planned(language, (File(path, content),))
    plain, helped = compiled(sandbox, plan, None), compiled(sandbox, plan, folders[language])
    assert (helped.prepared, plain.prepared) == (True, False)
    assert (helped.files, helped.output, helped.main_class) == (plain.files, plain.output, plain.main_class)
    # Neighbours may take more of one time than is spared.
    assert any(
        spent(compiled(sandbox, plan, folders[language])) < spent(compiled(sandbox, plan, None)) for _ in range(3)
    )


def test_a_macro_before_the_header_means_what_it_says(sandbox: Sandbox, folders: Mapping[str, Path]) -> None:
    hack = b"#define protected public\n" + BITS + b"int main() { std::stack<int> s; return s.c.size(); }"
    made = compiled(sandbox, planned("cpp", (File("main.cpp", hack),)), folders["cpp@17"])
    assert not made.prepared
    assert made.files


@pytest.mark.parametrize(
    "body", [b"int main() { undefined(); }", b"struct S {};\nint main() { std::map<S, int> m; m[S()]; }"]
)
def test_the_compiler_s_words_are_the_same(sandbox: Sandbox, folders: Mapping[str, Path], body: bytes) -> None:
    plan = planned("cpp", (File("main.cpp", BITS + body),))
    said = []
    for folder in (None, folders["cpp@17"]):
        with pytest.raises(CompileError) as raised:
            compiled(sandbox, plan, folder)
        said.append((raised.value.reason, raised.value.output))
    assert said[0] == said[1]
    assert PREPARED_DIR.encode() not in said[1][1]


@pytest.mark.parametrize(
    ("language", "path", "content", "file"),
    [
        ("cpp", "main.cpp", SORT, "bits/stdc++.h.gch"),
        ("java", "Main.java", b"public class Main { public static void main(String[] a) {} }", "javac.jsa"),
    ],
)
@pytest.mark.parametrize("damage", ["gone", "cut", "noise"])
def test_a_broken_one_fails_no_submission(
    sandbox: Sandbox,
    tmp_path: Path,
    folders: Mapping[str, Path],
    language: str,
    path: str,
    content: bytes,
    file: str,
    damage: str,
) -> None:
    plan = planned(language, (File(path, content),))
    whole = (folders[f"{language}@17"] / file).read_bytes()
    broken = tmp_path / file
    broken.parent.mkdir(exist_ok=True)
    match damage:
        case "cut":
            broken.write_bytes(whole[: len(whole) // 2])
        case "noise":
            broken.write_bytes(whole[:4096] + bytes(len(whole) - 4096))
        case _:
            pass
    tmp_path.chmod(0o755)
    with reachable(tmp_path, sandbox.config.instance, "broken") as place:
        made = compiled(sandbox, plan, place)
    assert made.files == compiled(sandbox, plan, None).files
    assert made.output == b""


def test_a_closed_folder_is_mounted_and_unmounted(root: Path, sandbox: Sandbox) -> None:
    assert not is_open(root)
    place = MOUNTS / f"shipd-{sandbox.config.instance}" / "prepared"
    with reachable(root, sandbox.config.instance, "prepared") as shown:
        assert shown == place
        with pytest.raises(OSError, match="Read-only"):
            (shown / "x").touch()
    assert not place.exists()


def test_what_a_killed_worker_left_mounted_is_replaced(root: Path, sandbox: Sandbox) -> None:
    instance = sandbox.config.instance
    with reachable(root, instance, "prepared"), reachable(root, instance, "prepared") as shown:
        assert (shown / "cpp@17").is_dir()
    assert not shown.exists()


def test_a_folder_that_is_closed_itself_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(SandboxError, match="is closed to jails"), reachable(tmp_path, sandbox.config.instance, "x"):
        pass


def test_an_open_folder_is_shown_as_it_is(sandbox: Sandbox) -> None:
    with reachable(Path("/usr/share"), sandbox.config.instance, "prepared") as shown:
        assert shown == Path("/usr/share")
