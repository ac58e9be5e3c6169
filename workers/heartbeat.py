"""A worker tells that its host is there: every few seconds, and all it has to offer when nobody knows it yet."""

import threading
from collections.abc import Callable

from domain import hosts
from domain.db import Database
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import HostReport

HEARTBEAT_S = 10.0

log = logger(__name__)


def beat(database: Database, host_name: str, report: Callable[[], HostReport]) -> None:
    """Tell it for as long as the process lives."""
    known = False
    pause = threading.Event()
    while True:
        try:
            if not known:
                hosts.report(database, report())
            known = hosts.heartbeat(database, host_name)
        except Unavailable as error:
            log.warning("heartbeat_failed", error=str(error))
        pause.wait(HEARTBEAT_S)
