"""Have another host help with the test cases of an execution, where nobody waits for its slots.

The other end of `workers/helper`. What a helper says is as good as what we ran ourselves, but for times that were
exceeded: those are run again here (docs/decisions/0021).
"""

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from domain import executions
from domain.db import Database
from domain.errors import Unavailable
from domain.hosts import Host, known
from domain.line import Line, LineDead, Lines
from domain.logging import logger
from domain.model import Claim, TestResult
from domain.room import Need
from sandbox import RunAborted
from sandbox.readable import readable
from workers.packing import unpacked
from workers.prepare import Plan
from workers.run import points_again

READY, RESULT, NO = b"y", b"r", b"n"
"""What a helper says: go ahead; the result of what was asked for; it is not to be had from us."""
RUN, STOP, END = b"c", b"s", b"e"
"""What an owner says: run this test case; it is not wanted any more; that is all."""
NUMBER_BYTES = 4
"""Of the index of a test case."""
OFFER_S = 2.0
"""How long a host may take to say that it helps."""
REFUSED_S = 5.0
"""How long one that did not is left alone."""
HEAR_S = 0.1

log = logger(__name__)
Ask = Callable[[str, UUID, int, str, str], bool]
"""Sends to a host: execution, attempt, token of the line, toolchain."""


class HelperGone(Exception):  # noqa: N818 - it says what is the case
    """The other host does not run what it was asked for: it gave way, or it is gone."""


@dataclass
class Helper:
    """A slot of another host, for as long as nobody there needs it. Belongs to one thread."""

    host: str
    line: Line
    plan: Plan
    let_go: Callable[[], None]
    """Called when it is not needed any more."""

    def run(self, index: int, stop: int | None) -> TestResult:
        """Have a test case run. Raises HelperGone; RunAborted where the descriptor `stop` becomes readable."""
        try:
            self.line.say(RUN + index.to_bytes(NUMBER_BYTES))
            while (said := self.line.hear(HEAR_S)) is None:
                if stop is not None and readable([stop], 0):
                    self.line.say(STOP)
                    raise RunAborted
            return self._result(index, said)
        except (LineDead, KeyError, TypeError, ValueError) as error:
            raise HelperGone(repr(error)) from error

    def _result(self, index: int, said: bytes) -> TestResult:
        start = len(RESULT) + NUMBER_BYTES
        if said[:start] != RESULT + index.to_bytes(NUMBER_BYTES):
            raise HelperGone("it gave way")
        case = self.plan.submission.test_cases[index]
        result = unpacked(said[start:])
        return replace(result, ordinal=case.ordinal, points=points_again(self.plan, case, result))

    def close(self) -> None:
        """Tell it that this was all."""
        self.let_go()
        try:
            self.line.say(END)
            self.line.close()
        except LineDead as error:
            log.info("helper_gone", host=self.host, error=str(error))


@dataclass
class Fleet:
    """The other hosts, as one process sees them."""

    db: Database
    lines: Lines
    host: str
    """Our own."""
    ask: Ask
    toolchains: Mapping[str, str]
    _refused: dict[str, float] = field(default_factory=dict)
    """When a host may be asked again."""
    _helping: Counter[str] = field(default_factory=Counter)
    """How many slots of a host run something for this process."""

    def helper(self, claim: Claim, plan: Plan, is_vain: Callable[[], bool]) -> Helper | None:
        """Find a host that has room and nothing else to do; None where there is none, or when it `is_vain` by then.

        Takes OFFER_S at the most.
        """
        if plan.language.name not in self.toolchains or plan.submission.constraints.network_enabled:
            return None
        try:
            hosts = [] if executions.any_queued(self.db) else self._able(plan)
            return self._asked(random.choice(hosts), claim, plan, is_vain) if hosts else None  # noqa: S311
        except (LineDead, Unavailable) as error:
            log.info("no_help", error=str(error))
            return None

    def _able(self, plan: Plan) -> Sequence[str]:
        return [
            host.report.name
            for host in known(self.db)
            if host.report.name != self.host and self._may_ask(host) and _fits(host, plan)
        ]

    def _may_ask(self, host: Host) -> bool:
        name = host.report.name
        return self._refused.get(name, 0.0) < time.monotonic() and self._helping[name] < host.report.cpus

    def _asked(self, host: str, claim: Claim, plan: Plan, is_vain: Callable[[], bool]) -> Helper | None:
        token, toolchain = secrets.token_hex(16), self.toolchains[plan.language.name]
        line = self.lines.end(token, 0)
        if self.ask(host, claim.execution_id, claim.attempt, token, toolchain) and _agrees(line, is_vain):
            log.info("help_found", host=host)
            self._helping[host] += 1
            return Helper(host, line, plan, lambda: self._helping.subtract([host]))
        line.close()
        self._refused[host] = time.monotonic() + REFUSED_S
        return None


def _languages(plan: Plan) -> set[str]:
    """Name the languages of all that is run for it: the program's, and its checker's."""
    checker = plan.submission.checker.program
    return {plan.language.name, *([] if checker is None else [checker.language.partition("@")[0]])}


def _fits(host: Host, plan: Plan) -> bool:
    report, constraints = host.report, plan.submission.constraints
    return (
        host.takes_work
        and _languages(plan) <= report.languages.keys()
        and Need.of(plan.language.name, constraints).has_room(report)
    )


def _agrees(line: Line, is_vain: Callable[[], bool]) -> bool:
    """Wait for the word that somebody helps; nobody is there before that."""
    deadline = time.monotonic() + OFFER_S
    while time.monotonic() < deadline and not is_vain():
        said = line.hear(HEAR_S, alone=True)
        if said is not None:
            return said == READY
    return False
