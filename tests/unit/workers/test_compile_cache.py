"""The compile cache: what decides its key, what is kept of a compile and what is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain.errors import Unavailable
from domain.limits import Constraints
from domain.model import Cache, Checker, CheckerType, CompileCache, File, RunTelemetry, TestCase, Usage
from tests.unit.workers.making import LANGUAGES, planned
from workers import compile_cache
from workers.compile import Compiled, CompileError
from workers.compile_cache import NO_CACHE, Compiler, key_of, packed, unpacked
from workers.prepare import Plan

MAIN = File("main.c", b"int main(){}")
C = planned("c", (MAIN,))
SPENT = Usage(7, 9, 1 << 20)
SEEN = RunTelemetry(cpu_user_ms=5, sources={"cpu": "cgroup"}, denied_syscalls={"ptrace": 1})
MADE = Compiled((File("a.out", b"\0ELF\xff", 0o755), File("b/c", b"", 0o755)), "a.Main", b"warning\xff", SEEN, SPENT)
KEY = b"k" * 32


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def find(self, key: bytes) -> bytes | None:
        return self.kept.get(key)

    def keep(self, key: bytes, data: bytes) -> None:
        self.kept.setdefault(key, data)


class Broken(Memory):
    """A store that is away."""

    def find(self, key: bytes) -> bytes | None:
        raise Unavailable(f"no answer about {key!r}")

    def keep(self, key: bytes, data: bytes) -> None:
        raise OSError(f"no room for {len(data)} bytes of {key!r}")


def never() -> Compiled:
    raise AssertionError("it was compiled")


def failing(error: CompileError) -> Callable[[], Compiled]:
    def compile_it() -> Compiled:
        raise error

    return compile_it


def refused(reason: str = "exit:1", *, by_itself: bool = True) -> CompileError:
    return CompileError(reason, b"main.c:1: error", SEEN, SPENT, "why", by_itself=by_itself)


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def compiler(store: Memory) -> Compiler:
    return Compiler(store, {"c": "12.2"}, {})


def test_the_second_time_nothing_is_compiled(compiler: Compiler) -> None:
    assert compiler.compile(C, lambda: MADE) == replace(MADE, cache=CompileCache.MISS)
    assert compiler.compile(C, never) == replace(MADE, cache=CompileCache.HIT)


@pytest.mark.parametrize(
    "other",
    [
        planned("c", (replace(MAIN, content=b"int main(){} "),)),
        planned("c", (replace(MAIN, path="other.c"),)),
        planned("c", (replace(MAIN, mode=0o755),)),
        planned("c", (MAIN, File("sum.h", b""))),
        planned("c", (MAIN,), entry_point="main.c"),
        planned("cpp", (replace(MAIN, path="main.cpp"),)),
    ],
    ids=["content", "path", "mode", "header", "entry point", "language"],
)
def test_what_decides_is_in_the_key(other: Plan) -> None:
    assert key_of(other, "12.2") != key_of(C, "12.2")


def test_standard_compiler_and_command_are_in_the_key() -> None:
    sources = (replace(MAIN, path="main.cpp"),)
    assert key_of(planned("cpp@17", sources), "12.2") != key_of(planned("cpp@20", sources), "12.2")
    assert key_of(planned("cpp", sources), "12.2") == key_of(planned("cpp@17", sources), "12.2")
    assert key_of(C, "12.2") != key_of(C, "12.3")
    go = (File("main.go", b"package main"),)
    wide = planned("go", go, constraints=Constraints(cpu_millicores=2000))
    assert key_of(planned("go", go), "1.19") != key_of(wide, "1.19")


def test_another_language_file_is_another_key() -> None:
    language = LANGUAGES.known["c"]
    assert language.compile is not None
    patient = replace(language, compile=replace(language.compile, memory_mb=4096))
    other = replace(C, choice=replace(C.choice, language=patient))
    assert key_of(other, "12.2") != key_of(C, "12.2")


def test_two_trees_of_the_same_bytes_are_two() -> None:
    one = planned("c", (File("a.c", b"xy"), File("b.c", b"z")))
    other = planned("c", (File("a.c", b"x"), File("b.c", b"yz")))
    assert key_of(one, "12.2") != key_of(other, "12.2")


def test_who_asks_and_what_is_run_does_not_matter() -> None:
    other = planned(
        "c",
        (MAIN,),
        test_cases=(TestCase(0, "hidden", is_hidden=True),),
        checker=Checker(CheckerType.EXACT),
        arguments=("x",),
        user_id="somebody",
        metadata={"a": 1},
    )
    assert key_of(other, "12.2") == key_of(C, "12.2")


def test_what_a_compiler_refused_by_itself_is_kept(compiler: Compiler) -> None:
    with pytest.raises(CompileError) as first:
        compiler.compile(C, failing(refused()))
    with pytest.raises(CompileError) as second:
        compiler.compile(C, never)
    assert first.value.cache is CompileCache.MISS
    assert second.value == replace(refused(), cache=CompileCache.HIT, by_itself=False)


@pytest.mark.parametrize(
    "error",
    [*map(refused, ["cpu", "wall", "memory", "output", "policy", "no_program", "signal:9"]), refused(by_itself=False)],
    ids=lambda error: f"{error.reason} {error.by_itself}",
)
def test_what_may_go_another_way_is_not_kept(error: CompileError, compiler: Compiler, store: Memory) -> None:
    with pytest.raises(CompileError):
        compiler.compile(C, failing(error))
    assert store.kept == {}
    assert compiler.compile(C, lambda: MADE).cache is CompileCache.MISS


def test_a_request_may_keep_away_from_it(compiler: Compiler, store: Memory) -> None:
    away = planned("c", (MAIN,), cache=Cache.NONE)
    assert compiler.compile(away, lambda: MADE) == MADE
    assert store.kept == {}
    compiler.compile(C, lambda: MADE)
    assert compiler.compile(away, lambda: replace(MADE, output=b"anew")).output == b"anew"


def test_a_store_that_is_away_costs_a_compile_and_no_more() -> None:
    compiler = Compiler(Broken(), {"c": "12.2"}, {})
    assert compiler.compile(C, lambda: MADE) == replace(MADE, cache=CompileCache.MISS)
    assert NO_CACHE.compile(C, lambda: MADE) == MADE


def test_a_large_artifact_is_not_kept(compiler: Compiler, store: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "MAX_BYTES", 100)
    assert compiler.compile(C, lambda: MADE).cache is CompileCache.MISS
    assert store.kept == {}


def test_no_two_blobs_are_the_same() -> None:
    assert packed(KEY, MADE) != packed(KEY, MADE)


@pytest.mark.parametrize("made", [MADE, Compiled(()), replace(MADE, output=None, prepared=True), refused()])
def test_it_comes_back_as_it_was(made: Compiled | CompileError) -> None:
    again = unpacked(KEY, packed(KEY, made))
    if isinstance(made, CompileError):
        assert again == replace(made, cache=CompileCache.HIT, by_itself=False)
    else:
        assert again == replace(made, cache=CompileCache.HIT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:20],
        lambda data: data[:0],
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data[:8] + data[9:],
    ],
    ids=["shorter", "longer", "head cut", "nothing", "absurd length", "head broken"],
)
def test_what_is_not_whole_is_compiled_anew(
    damage: Callable[[bytes], bytes], compiler: Compiler, store: Memory
) -> None:
    compiler.compile(C, lambda: MADE)
    store.kept = {key: damage(data) for key, data in store.kept.items()}
    assert compiler.compile(C, lambda: MADE).cache is CompileCache.MISS


def test_what_was_kept_under_another_key_is_refused(compiler: Compiler, store: Memory) -> None:
    store.kept[key_of(C, "12.2")] = packed(KEY, MADE)
    assert compiler.compile(C, lambda: MADE).cache is CompileCache.MISS
