"""What is done to the platform: each fault takes as long as it lasts, and says what it hit."""

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence

import psutil

from domain.hosts import LIVE_S
from tests.chaos import disk
from tests.chaos.plan import Fault
from tests.chaos.platform import FAR_WORKER, NEAR_WORKER, REDIS, Platform, send

AWAY_S = 8.0
FULL_S = 6.0
REFILL_S = 0.1
DELAY_S = 0.15
"""Each way, for everything that passes."""
FROZEN = 1.5
"""Leases that a frozen worker is silent for."""
GONE_S = LIVE_S + 5
"""A region that is silent for so long counts as gone."""
WAIT_S = 30.0

Action = Callable[[Platform, random.Random], str]


def _running(platform: Platform, name: str, least: int = 1) -> list[psutil.Process]:
    """Wait for a program to run, as a fault before this one may have ended it; give its processes, so many or more."""
    deadline = time.monotonic() + WAIT_S
    while len(found := platform.family(name)) < least and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _killed(names: Sequence[str]) -> Action:
    """Kill all processes of one of these programs, as a power cut would."""

    def act(platform: Platform, rng: random.Random) -> str:
        name = rng.choice(names)
        family = _running(platform, name)
        send(family, signal.SIGKILL)
        return f"SIGKILL to {len(family)} processes of {name}"

    return act


def _main_signalled(names: Sequence[str], number: signal.Signals) -> Action:
    """Send a signal to the main process of one of these programs alone."""

    def act(platform: Platform, rng: random.Random) -> str:
        name = rng.choice(names)
        family = _running(platform, name)
        send(family[:1], number)
        return f"{number.name} to process {family[0].pid if family else 0}, {name}"

    return act


def _child_killed(names: Sequence[str]) -> Action:
    """Kill a process that the main process of one of these programs started."""

    def act(platform: Platform, rng: random.Random) -> str:
        name = rng.choice(names)
        _running(platform, name, least=2)
        main = platform.process(name)
        children = main.children() if main else []
        picked = [rng.choice(children)] if children else []
        send(picked, signal.SIGKILL)
        return f"SIGKILL to process {picked[0].pid if picked else 0}, a child of {name}"

    return act


def _frozen(platform: Platform, rng: random.Random) -> str:
    """Stop a whole host for longer than its leases last, and let it go on."""
    name, seconds = rng.choice((NEAR_WORKER, FAR_WORKER)), FROZEN * platform.times.lease_s
    family = _running(platform, name, least=2)
    send(family, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        send(family, signal.SIGCONT)
    return f"SIGSTOP to {len(family)} processes of {name} for {seconds:.0f} s"


def _redis_emptied(platform: Platform, rng: random.Random) -> str:
    del rng
    platform.halt(REDIS)
    data = platform.folder / REDIS / "data"
    count = sum(1 for path in data.rglob("*") if path.is_file())
    shutil.rmtree(data)
    for server in platform.stack.servers:
        server.prepare()
    platform.run(REDIS)
    return f"Redis began anew, without its {count} files"


def _redis_away(platform: Platform, rng: random.Random) -> str:
    del rng
    platform.halt(REDIS)
    time.sleep(AWAY_S)
    platform.run(REDIS)
    return f"Redis was away for {AWAY_S:.0f} s"


def _disk_full(platform: Platform, rng: random.Random) -> str:
    """Fill the file system of everything that the platform keeps: PostgreSQL, Redis, blobs, boxes, logs."""
    del rng
    filler, deadline = platform.folder / "filler", time.monotonic() + FULL_S
    try:
        while time.monotonic() < deadline:
            disk.fill(filler)
            time.sleep(REFILL_S)
        size = filler.stat().st_size
    finally:
        filler.unlink(missing_ok=True)
    return f"{size >> 20} MiB, all that there was, were taken for {FULL_S:.0f} s"


def _broker_delayed(platform: Platform, rng: random.Random) -> str:
    del rng
    for proxy in platform.proxies:
        proxy.delay(DELAY_S)
    time.sleep(AWAY_S)
    for proxy in platform.proxies:
        proxy.delay(0)
    return f"all that passed was held up by {1000 * DELAY_S:.0f} ms each way for {AWAY_S:.0f} s"


def _broker_dropped(platform: Platform, rng: random.Random) -> str:
    before = sum(proxy.dropped for proxy in platform.proxies)
    for proxy in platform.proxies:
        proxy.drop(refuse=True)
    time.sleep(rng.uniform(1, 4))
    for proxy in platform.proxies:
        proxy.take_again()
    dropped = sum(proxy.dropped for proxy in platform.proxies) - before
    return f"{dropped} connections were reset, and new ones for a while"


def _region_away(platform: Platform, rng: random.Random) -> str:
    del rng
    platform.held.add(FAR_WORKER)
    send(_running(platform, FAR_WORKER), signal.SIGKILL)
    platform.halt(FAR_WORKER)
    time.sleep(GONE_S)
    platform.run(FAR_WORKER)
    return f"all of the second region was away for {GONE_S} s"


WORKERS = (NEAR_WORKER, FAR_WORKER)
ACTIONS: dict[Fault, Action] = {
    Fault.WORKER_KILLED: _killed(WORKERS),
    Fault.WORKER_MAIN_KILLED: _main_signalled(WORKERS, signal.SIGKILL),
    Fault.WORKER_CHILD_KILLED: _child_killed(WORKERS),
    Fault.WORKER_FROZEN: _frozen,
    Fault.BEAT_KILLED: _killed(["beat"]),
    Fault.API_KILLED: _killed(["api"]),
    Fault.API_CHILD_KILLED: _child_killed(["api"]),
    Fault.STREAM_KILLED: _killed(["stream"]),
    Fault.DELIVER_KILLED: _killed(["deliver"]),
    Fault.REDIS_KILLED: _main_signalled([REDIS], signal.SIGKILL),
    Fault.REDIS_EMPTIED: _redis_emptied,
    Fault.REDIS_AWAY: _redis_away,
    Fault.POSTGRES_RESTARTED: _main_signalled(["postgres"], signal.SIGINT),
    Fault.POSTGRES_IMMEDIATE: _main_signalled(["postgres"], signal.SIGQUIT),
    Fault.POSTGRES_KILLED: _killed(["postgres"]),
    Fault.DISK_FULL: _disk_full,
    Fault.BROKER_DELAYED: _broker_delayed,
    Fault.BROKER_DROPPED: _broker_dropped,
    Fault.REGION_AWAY: _region_away,
}
"""How each is done. What is chosen there is chosen by the plan's chance."""


def act(fault: Fault, platform: Platform, rng: random.Random) -> str:
    """Do it, and say what was done; returns when it is over."""
    return ACTIONS[fault](platform, rng)
