"""The process that sweeps: Celery's beat, and a worker of its own for what beat sends."""

import os
import signal
import threading
from collections.abc import Sequence

from celery import Celery, signals
from celery.beat import Service

from domain import spans
from domain.logging import logger
from domain.queue import CONTROL
from domain.settings import Settings

log = logger(__name__)


def run(celery: Celery, settings: Settings, options: Sequence[str]) -> int:
    """Schedule the sweeper and run it, in a process of its own: it must not wait for a free slot, or for any host."""
    ended = threading.Event()
    spans.start(settings, "beat")

    @signals.worker_ready.connect(weak=False)
    def _ready(**_: object) -> None:
        threading.Thread(target=_schedule, args=(celery, settings, ended), name="beat", daemon=True).start()

    celery.worker_main(
        [
            "worker",
            "--pool=solo",
            f"--queues={CONTROL}",
            f"--hostname=sweeper@{settings.host_name}",
            f"--loglevel={settings.log_level}",
            *options,
        ]
    )
    return 1 if ended.is_set() else 0


def _schedule(celery: Celery, settings: Settings, ended: threading.Event) -> None:
    """Run beat in a thread: what `celery worker --beat` starts is a process, and one that outlives a killed parent."""
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        Service(celery, schedule_filename=str(settings.state_dir / "beat-schedule"), remote_control=False).start()
    finally:
        # Nothing would be swept any more: better to end, and be started again.
        log.critical("beat_ended")
        ended.set()
        os.kill(os.getpid(), signal.SIGTERM)
