"""Workers whose blobs are on S3, that must share a store, and from whose queues an operator has nothing taken."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import Result

from app import create_app
from domain import blob_stores, hosts, keys
from domain.db import Database
from domain.model import Priority
from domain.settings import Settings
from domain.verdict import State, Verdict
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet
from tests.s3 import S3
from tests.waiting import eventually

LONG = 200_000
PRINTS = "print('done', end='')"


def test_api_and_worker_share_blobs_on_s3(
    instead: Start, s3: S3, environ: Mapping[str, str], db: Database, tmp_path: Path, folder: Path
) -> None:
    instead("on-s3", **s3.environ)
    eventually(lambda: [host for host in hosts.known(db) if host.report.blob_store == "s3://blobs/shipd"])
    settings = Settings.from_environment({**environ, **s3.environ, "SHIPD_STATE_DIR": str(tmp_path)})
    key = {"Authorization": f"Bearer {keys.create(db, name='s3', role='service')}"}
    body = {
        "language": "python",
        "source": {"type": "code", "content": "print(input()[::-1])"},
        "test_cases": [{"input": "a" + "b" * LONG, "expected_output": "b" * LONG + "a"}],
    }

    with create_app(settings).test_client() as http:
        answer = http.post("/v1/submissions?wait=30", json=body, headers=key).get_json()
        result = answer["execution"]["test_results"][0]
        whole = http.get(result["links"]["stdout"], headers=key).text

    assert (result["verdict"], result["truncated"]) == ("AC", ["stdout"])
    assert whole == "b" * LONG + "a\n"
    assert {size for _, size in blob_stores.of(settings).ids()} >= {LONG + 1, LONG + 2}
    assert not list((folder / "blobs").glob("??/??/*"))
    assert [path for path in (folder / "on-s3" / "blob-cache").glob("??/??/*") if path.stat().st_size == LONG + 1]


@pytest.mark.usefixtures("fleet")
def test_a_host_with_another_store_does_not_start(host: Start, db: Database, tmp_path: Path) -> None:
    eventually(lambda: [one for one in hosts.known(db) if one.live and one.report.blob_store])

    stranger = host("stranger", SHIPD_BLOB_DIR=str(tmp_path / "others"))
    eventually(lambda: stranger.status == "exited")

    assert '"event":"host_unfit"' in stranger.logs()
    assert "hosts must share one store" in stranger.logs()
    assert "stranger" not in {one.report.name for one in hosts.known(db)}


def test_nothing_is_taken_from_a_paused_queue(
    fleet: Fleet, worker: ProcessContainer, shipd: Callable[..., Result]
) -> None:
    before = worker.logs().count("queue_paused")
    eventually(lambda: "1 workers know" in shipd("queues", "pause", "bulk").stdout)
    eventually(lambda: worker.logs().count("queue_paused") > before)
    eventually(lambda: fleet.takes_from("worker", "bulk") is False)  # it is logged before it is done
    paused = fleet.submit(PRINTS, Priority.BULK)
    assert fleet.done(fleet.submit(PRINTS)).verdict is Verdict.AC

    worker.kill("SIGTERM")
    worker.wait()
    worker.start()
    worker.ready()
    assert fleet.done(fleet.submit(PRINTS)).verdict is Verdict.AC
    assert fleet.execution(paused).state is State.QUEUED

    eventually(lambda: "1 workers know" in shipd("queues", "resume", "bulk").stdout)
    assert fleet.done(paused).verdict is Verdict.AC
