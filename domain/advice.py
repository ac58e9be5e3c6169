"""How many slots and hosts a region wants (pure): from what will come, what waits, and what was wanted a while ago.

    steady  = arrivals a second x slot-seconds of one / USED         the more of those foreseen and of the last minute
    behind  = slot-seconds that wait / WORK_OFF_S                    of classes that wait longer than they may
    wanted  = steady + behind, and more than there is while anything waits longer than it may; one at least

Arrivals are foreseen by `domain.holt` for when a host that is started now would take work (LEAD_MIN). More is advised
at once, less only when less was wanted for all of HOLD_S: who starts and stops hosts by it does neither for a moment's
sake.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.holt import Holt
from domain.model import Priority

USED = 0.7
"""How much of a slot's time may be planned for: beyond it whoever comes at random waits for long."""
LEAD_MIN = 3
"""How many minutes a host takes until it takes work."""
WORK_OFF_S = 60.0
"""Within so many seconds what waits too long is to be worked off."""
HOLD_S = 600
"""For so long less must have been wanted."""
BULK_PATIENCE = 60
"""So many times as long as others may what is not urgent wait."""
UNKNOWN_COST_S = 1.0
"""What an execution takes of a slot while none was seen."""


@dataclass(frozen=True)
class Waiting:
    """What of one class waits for a slot."""

    priority: Priority
    count: int
    oldest_s: float
    p95_s: float
    """Nineteen of twenty wait no longer."""
    cost_s: float
    """Slot-seconds that they will take in all."""

    def too_long(self, target_age_s: float) -> bool:
        """Whether they wait longer than they may."""
        return self.p95_s > target_age_s * (BULK_PATIENCE if self.priority is Priority.BULK else 1)


@dataclass(frozen=True)
class Demand:
    """What one region has to do, and what with."""

    region: str
    hosts: int = 0
    """Those that take work."""
    slots: int = 0
    """Of them all."""
    slots_each: float = 1.0
    """Of a host that would be started."""
    arrivals: Sequence[int] = ()
    """Submissions of each minute that is over, the oldest first; of an hour at most."""
    recent: int = 0
    """Those of the last sixty seconds."""
    cost_s: float = UNKNOWN_COST_S
    """Slot-seconds that one of them takes."""
    waiting: Sequence[Waiting] = ()
    wanted_before: Sequence[int] = ()
    """The slots that were wanted within HOLD_S, as `wanted` gave them."""


@dataclass(frozen=True)
class Advice:
    """How many are wanted, and why."""

    demand: Demand
    wanted: int
    """Slots, at this moment."""
    slots: int
    """Slots, with what was wanted a while ago."""
    hosts: int
    foreseen: float
    """Submissions in the minute after LEAD_MIN."""
    error: float
    """Of the forecast of a minute, on average over the last hour."""
    reasons: Sequence[str]


def advise(demand: Demand, target_age_s: float) -> Advice:
    """Say how many slots and hosts a region wants, where nothing is to wait longer than `target_age_s`."""
    holt = Holt(demand.arrivals)
    foreseen = holt.ahead(LEAD_MIN)
    late = [one for one in demand.waiting if one.too_long(target_age_s)]
    steady = max(foreseen, demand.recent) / 60 * demand.cost_s / USED
    behind = sum(one.cost_s for one in late) / WORK_OFF_S
    wanted = max(1, math.ceil(steady + behind - 1e-9), demand.slots + 1 if late else 0)
    slots = max(wanted, *demand.wanted_before) if demand.wanted_before else wanted
    reasons = (
        f"{demand.recent} submissions came in the last minute",
        f"{foreseen:.0f} are foreseen for the one in {LEAD_MIN} minutes (wrong by {holt.mean_error:.1f} on average)",
        f"each takes {demand.cost_s:.2f} s of a slot, and slots are to be used to {USED:.0%}: {steady:.1f} slots",
        *_told(late, target_age_s, behind, demand),
        *_held(wanted, slots),
    )
    hosts = math.ceil(slots / demand.slots_each - 1e-9)
    return Advice(demand, wanted, slots, hosts, foreseen, holt.mean_error, reasons)


def _told(late: Sequence[Waiting], target_age_s: float, behind: float, demand: Demand) -> Iterator[str]:
    for one in late:
        allowed = target_age_s * (BULK_PATIENCE if one.priority is Priority.BULK else 1)
        told = f"{one.count} of {one.priority.value} wait, 95 % of them up to {one.p95_s:.1f} s"
        yield f"{told}, where {allowed:g} s is wanted"
    if late:
        yield f"to work that off within {WORK_OFF_S:.0f} s takes {behind:.1f} slots more, {demand.slots + 1} at least"


def _held(wanted: int, slots: int) -> Iterator[str]:
    if slots > wanted:
        before = f"{slots} were wanted within the last {HOLD_S // 60} minutes"
        yield f"{wanted} slots would do now, {before}: less is advised after that"
