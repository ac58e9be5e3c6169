"""The programs of a worker's side, each of which fails with a secret in all that it could tell: see test_sentry.py.

CANARY is the secret. It stands in the words of exceptions, in variables, log lines, arguments and the environment.
"""

import os
import sys
import urllib.error
import urllib.request
from typing import NoReturn

from domain import sweep
from domain.logging import logger
from workers import main
from workers.deliver import Deliverer
from workers.grade import Grader

log = logger("workers.failing")


class PlatformFault(Exception):  # noqa: N818 - a fault of the platform, whatever it is
    """What nobody foresaw."""


def fail(*_: object, **__: object) -> NoReturn:
    canary = os.environ["CANARY"]
    url = f"postgresql://shipd:{canary}@127.0.0.1/shipd"
    log.info("step_taken", source=canary, url=url)
    log.warning("with words %s", canary)
    try:
        urllib.request.urlopen(f"http://127.0.0.1:1/{canary}", data=canary.encode())
    except urllib.error.URLError as error:
        log.error("call_failed", error=f"{error} {canary}")  # noqa: TRY400 - an error without its stack
    try:
        words = os.environ[canary]
    except KeyError as error:
        log.exception("step_failed", stdin=canary)
        error.add_note(canary)
        raise PlatformFault(url, canary) from error
    raise PlatformFault(words)


if __name__ == "__main__":
    Grader.grade = fail  # type: ignore[method-assign]
    Deliverer.deliver = fail  # type: ignore[method-assign]
    sweep.settle = fail
    arguments = sys.argv[1:]
    sys.argv.append(os.environ["CANARY"])
    sys.exit(main.run(arguments))
