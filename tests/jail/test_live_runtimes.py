"""Node and Java are talked with while they run, held at their first file or started plainly."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from sandbox import Cause, Sandbox
from tests.jail.held_programs import Program, java, node, run_held, run_plain
from tests.jail.talking import Talk, conversation

LINES = [b"one\n", b"two\n", "drei\u20ac\n".encode()]
NODE_TYPED = """
console.log("?");
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => console.log("got " + line));
"""
RUNTIMES: dict[str, Callable[[], Program]] = {
    "node": lambda: node(NODE_TYPED, stdin=b""),
    "java": lambda: java("", "Typed"),
}


@pytest.fixture
def talk() -> Iterator[Talk]:
    with closing(Talk(LINES)) as made:
        yield made


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("mode", ["warm", "cgroup"])
def test_they_get_each_line_at_once(sandboxes: Mapping[str, Sandbox], runtime: str, mode: str, talk: Talk) -> None:
    way = run_held if mode == "warm" else run_plain
    result = way(sandboxes[mode], RUNTIMES[runtime](), listener=talk.listen, taker=talk.take)
    assert (result.cause, result.stdout, result.stderr) == (Cause.EXIT, conversation(LINES), b"")
