"""The relay between two programs, with pipes of the test's own and processes that only wait."""

import os
import select
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from sandbox.relay import CLOSED_PATIENCE_S, Relay
from sandbox.streams import Capture
from sandbox.transcript import Said, Speaker
from tests.descriptors import open_descriptors

PROGRAM, INTERACTOR = Speaker.PROGRAM, Speaker.INTERACTOR
PATIENCE_S = 30


@dataclass
class Talker:
    """One who talks: its ends of the pipes, and a process whose end is its own."""

    relay: Relay
    speaker: Speaker
    cap: int = 1 << 20
    listens: bool = True
    """Whether its stdin is ever given to the relay."""
    overflowed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.stdin, theirs = os.pipe()
        source, self.stdout = os.pipe()
        os.set_blocking(theirs, False)
        self.process = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
        self.capture = Capture(source, self.cap)
        end = os.pidfd_open(self.process.pid)
        self.relay.join(self.speaker, self.capture, end, self.overflowed.set)
        os.close(end)
        if self.listens:
            self.relay.take_stdin(self.speaker, theirs)
        else:
            os.close(theirs)

    def say(self, data: bytes) -> None:
        os.write(self.stdout, data)

    def hear(self) -> bytes:
        readable, _, _ = select.select([self.stdin], [], [], PATIENCE_S)
        assert readable, "nothing came"
        return os.read(self.stdin, 1 << 20)

    def close_stdout(self) -> None:
        if self.stdout >= 0:
            os.close(self.stdout)
        self.stdout = -1

    def end(self) -> None:
        self.close_stdout()
        self.process.communicate()
        assert self.relay.ended[self.speaker].wait(PATIENCE_S)

    def close(self) -> None:
        self.close_stdout()
        self.process.communicate()
        self.capture.close()
        if self.stdin >= 0:
            os.close(self.stdin)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with closing(Relay(sorted(os.sched_getaffinity(0))[:1])) as made:
        yield made
    assert made.error is None


@pytest.fixture
def program(relay: Relay) -> Iterator[Talker]:
    with closing(Talker(relay, PROGRAM)) as talker:
        yield talker


@pytest.fixture
def interactor(relay: Relay) -> Iterator[Talker]:
    with closing(Talker(relay, INTERACTOR)) as talker:
        yield talker


def test_it_hands_on_both_ways(relay: Relay, program: Talker, interactor: Talker) -> None:
    program.say(b"? 1\n")
    assert interactor.hear() == b"? 1\n"
    interactor.say(b"more\n")
    assert program.hear() == b"more\n"
    assert relay.transcript.said == (Said(PROGRAM, b"? 1\n"), Said(INTERACTOR, b"more\n"))
    assert program.capture.data == b"? 1\n"


def test_the_first_to_end_is_noted_and_the_other_hears_the_end(
    relay: Relay, program: Talker, interactor: Talker
) -> None:
    program.say(b"!")
    program.end()
    assert (interactor.hear(), interactor.hear()) == (b"!", b"")
    interactor.end()
    assert relay.first is PROGRAM


def test_what_is_said_to_who_has_ended_is_thrown_away(relay: Relay, program: Talker, interactor: Talker) -> None:
    os.close(program.stdin)
    program.stdin = -1
    program.end()
    for _ in range(10):
        interactor.say(b"x" * 60_000)
    interactor.end()
    assert interactor.capture.lent is not None
    assert interactor.capture.lent.wait(PATIENCE_S)
    assert (relay.first, len(interactor.capture.data)) == (PROGRAM, 600_000)


def test_who_ends_before_listening_keeps_nobody(relay: Relay, interactor: Talker) -> None:
    with closing(Talker(relay, PROGRAM, listens=False)) as program:
        interactor.say(b"x" * 60_000)
        program.end()
        for _ in range(10):
            interactor.say(b"x" * 60_000)
        assert not relay.ways[INTERACTOR].stuck()


def test_what_is_not_read_is_not_taken(relay: Relay, program: Talker, interactor: Talker) -> None:
    os.set_blocking(program.stdout, False)
    written = 0
    while not relay.ways[PROGRAM].stuck():
        if select.select([], [program.stdout], [], 0.01)[1]:
            written += os.write(program.stdout, b"x" * 4096)
    assert not relay.ways[PROGRAM].heard()
    read = 0
    while read < written:
        read += len(interactor.hear())
    program.say(b"again")
    assert interactor.hear() == b"again"
    assert relay.ways[PROGRAM].heard()


def test_more_than_the_cap_is_told(relay: Relay, interactor: Talker) -> None:
    with closing(Talker(relay, PROGRAM, cap=10)) as program:
        program.say(b"x" * 11)
        assert program.overflowed.wait(PATIENCE_S)
        assert (program.capture.data, program.capture.overflow) == (b"x" * 10, True)
        assert interactor.hear() == b"x" * 11


def test_an_interactor_s_closed_stdout_is_passed_on_though_it_goes_on(
    relay: Relay, program: Talker, interactor: Talker
) -> None:
    interactor.close_stdout()
    assert program.hear() == b""
    assert relay.first is None


def test_a_program_s_closed_stdout_is_no_end_before_its_own(relay: Relay, program: Talker, interactor: Talker) -> None:
    program.say(b"!")
    program.close_stdout()
    assert interactor.hear() == b"!"
    assert not select.select([interactor.stdin], [], [], 10 * CLOSED_PATIENCE_S)[0]
    program.end()
    assert interactor.hear() == b""
    assert relay.first is PROGRAM


def test_nothing_is_left_open(program: Talker, interactor: Talker) -> None:
    before = open_descriptors()
    with closing(Relay([0])) as relay, closing(Talker(relay, PROGRAM)), closing(Talker(relay, INTERACTOR)):
        pass
    assert open_descriptors() <= before
    del program, interactor
