"""Celery as it comes, with tasks that do nothing: what the platform's control plane is compared with.

Only what Celery chooses by itself: messages acknowledged before their task runs, four of them fetched ahead for each
process. The platform's own settings, which lose no execution, are slower. BENCH_REDIS_URL names the broker.
"""

import os
import time

import redis
from celery import Celery

QUEUE = "bench"
NOOP = "bench.noop"
STAMP = "bench.stamp"

_url = os.environ["BENCH_REDIS_URL"]
_redis = redis.Redis.from_url(_url)
celery = Celery("bench", broker=_url, set_as_current=False)
celery.conf.update(task_ignore_result=True, task_default_queue=QUEUE)


@celery.task(name=NOOP)
def noop() -> None:
    """Do nothing."""


@celery.task(name=STAMP)
def stamp(key: str) -> None:
    """Say when this ran, by the clock that all processes of a machine share."""
    _redis.rpush(key, repr(time.monotonic()))
