"""The process in which a whole platform is started: `python -m benchmarks.stack_host FOLDER [WORKER_MODULE]`.

Its control group holds everything of the platform, and nothing of the client that measures it. It answers `start` with
where the platform answers, and stops it when its standard input ends.
"""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.child import serve
from standalone.programs import Program
from standalone.stack import Stack

SERVERS = ("DATABASE_URL", "REDIS_URL", "BROKER_URL")
"""What is measured is a platform with servers of its own, whatever others the environment names."""


def main(folder: str, *worker: str) -> None:
    """Serve one platform."""
    for name in SERVERS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    programs = [Program("worker", (sys.executable, "-m", module), stop_wait_s=30) for module in worker]
    platform = Stack(Path(folder), worker=programs[0] if programs else None)
    with ExitStack() as stack:

        def answer(word: str) -> object:
            assert word == "start", word  # noqa: S101 - the one word
            stack.enter_context(platform)
            return {
                "url": platform.url,
                "api_key": platform.api_key,
                "instance": platform.settings.instance,
                "redis_url": platform.settings.redis_url,
                "database_url": platform.settings.database_url,
                "pid": os.getpid(),
            }

        serve(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
