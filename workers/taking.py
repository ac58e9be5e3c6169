"""What a worker is told by a broadcast: to take from its queues of a priority, or not to (`shipd queues pause`)."""

from typing import Protocol

from celery.worker.control import control_command

from domain.model import Priority
from domain.queue import TAKE
from domain.settings import Settings
from workers.heartbeat import Consumer, switch


class _State(Protocol):
    """What Celery gives a command."""

    @property
    def consumer(self) -> Consumer: ...


def register(settings: Settings) -> None:
    """Have workers of this process know the command."""

    @control_command(name=TAKE, args=[("priority", str), ("taking", bool)])  # type: ignore[untyped-decorator] # no types
    def take(state: _State, priority: str, taking: bool) -> dict[str, str]:
        switch(state.consumer, settings.host_name, settings.region, Priority(priority), taking=taking)
        return {"ok": f"{priority} is {'taken from' if taking else 'paused'}"}
