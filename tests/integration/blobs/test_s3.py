"""What is special about blobs on S3: the host's cache, a store that is away, and how it is asked."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from domain import blob_stores
from domain.blob_cache import BlobCache
from domain.blob_s3 import Patience, S3Blobs
from domain.blobs import BlobMissing, BlobsAway
from domain.settings import Settings
from standalone import ports
from tests.forked import forked
from tests.integration.blobs.cutting import Cutting
from tests.s3 import BUCKET, S3, SECRET
from tests.waiting import eventually

MIB = 1024 * 1024
READ = "import sys; from domain import blob_stores as b; from domain.settings import Settings as S; "
HURRIED = Patience(connect_s=1, silent_s=1, whole_s=5, tries=2, together_s=2)


@pytest.fixture
def environ(s3: S3, prefix: str, tmp_path: Path) -> dict[str, str]:
    away = "redis://127.0.0.1:1"
    own = {"SHIPD_BLOB_URL": f"s3://{BUCKET}/{prefix}", "SHIPD_STATE_DIR": str(tmp_path)}
    return {**os.environ, **s3.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/none", "REDIS_URL": away, **own}


@pytest.fixture
def cutting(s3: S3) -> Iterator[Cutting]:
    with Cutting(s3.port) as proxy:
        yield proxy


def _gets(s3: S3, prefix: str, sha256: str) -> int:
    return sum(key.endswith(sha256) for key in s3.asked("GET", prefix))


def test_what_many_processes_of_a_host_read_at_once_is_fetched_once(
    s3: S3, bucket: S3Blobs, prefix: str, environ: dict[str, str]
) -> None:
    data = os.urandom(20 * MIB)
    sha256 = bucket.put(data)
    program = READ + "print(len(b.of(S.from_environment()).get(sys.argv[1])))"

    readers = [
        subprocess.Popen([sys.executable, "-c", program, sha256], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    assert [reader.communicate(timeout=300)[0] for reader in readers] == [f"{len(data)}\n"] * 4
    assert _gets(s3, prefix, sha256) == 1


def test_threads_fetch_once_too(s3: S3, bucket: S3Blobs, prefix: str) -> None:
    sha256 = bucket.put(bytes(3 * MIB))
    with ThreadPoolExecutor(8) as threads:
        assert set(map(len, threads.map(lambda _: bucket.get(sha256), range(32)))) == {3 * MIB}

    assert _gets(s3, prefix, sha256) == 1
    with bucket.open(sha256) as file:
        assert file.read(10) == bytes(10)
    assert _gets(s3, prefix, sha256) == 1


def test_a_beginning_takes_one_question_and_is_not_kept(s3: S3, bucket: S3Blobs, prefix: str) -> None:
    sha256 = bucket.put(bytes(3 * MIB))

    with bucket.open(sha256) as file:
        assert file.read(64 * 1024) == bytes(64 * 1024)

    assert _gets(s3, prefix, sha256) == 1
    assert bucket.cache is not None
    assert bucket.cache.open(sha256) is None


def test_a_fetcher_that_is_killed_leaves_nothing_half(
    s3: S3, prefix: str, environ: dict[str, str], cutting: Cutting, tmp_path: Path
) -> None:
    data = os.urandom(8 * MIB)
    sha256 = S3Blobs(s3.place(prefix)).put(data)
    cutting.hold_after(2 * MIB)
    program = READ + "b.of(S.from_environment()).get(sys.argv[1])"
    slow = {**environ, "SHIPD_S3_ENDPOINT": f"http://127.0.0.1:{cutting.port}"}
    with subprocess.Popen([sys.executable, "-c", program, sha256], env=slow) as fetcher:
        half = tmp_path / "blob-cache" / "new" / sha256
        eventually(lambda: half.exists() and half.stat().st_size > 0)
        fetcher.send_signal(signal.SIGKILL)
    assert half.exists()

    again = blob_stores.of(Settings.from_environment(environ))
    assert again.get(sha256) == data
    assert not half.exists()


def test_an_answer_that_is_cut_is_fetched_again_or_nothing_is_kept(
    s3: S3, prefix: str, cache: BlobCache, cutting: Cutting
) -> None:
    data = os.urandom(4 * MIB)
    sha256 = S3Blobs(s3.place(prefix)).put(data)
    cutting.cut_after(MIB)
    blobs = S3Blobs(s3.place(prefix, port=cutting.port), cache, HURRIED)

    with pytest.raises(BlobsAway):
        blobs.get(sha256)

    assert cache.open(sha256) is None
    cutting.pass_all()
    assert S3Blobs(s3.place(prefix, port=cutting.port), cache).get(sha256) == data


@pytest.mark.parametrize("size", [2 * MIB, 12 * MIB], ids=["one request", "several parts"])
def test_an_upload_that_is_cut_leaves_nothing(s3: S3, prefix: str, cutting: Cutting, size: int) -> None:
    data = os.urandom(size)
    cutting.cut_after(MIB, uploads=True)

    with pytest.raises(BlobsAway):
        S3Blobs(s3.place(prefix, port=cutting.port), patience=HURRIED).put(data)

    direct = S3Blobs(s3.place(prefix))
    assert list(direct.ids()) == []
    with pytest.raises(BlobMissing):
        direct.get(hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "act",
    [
        lambda blobs: blobs.put(b"x"),
        lambda blobs: blobs.get("0" * 64),
        lambda blobs: blobs.open("0" * 64),
        lambda blobs: blobs.size("0" * 64),
        lambda blobs: blobs.remove("0" * 64),
        lambda blobs: list(blobs.ids()),
    ],
    ids=["put", "get", "open", "size", "remove", "ids"],
)
def test_a_store_that_is_away_is_told_without_secrets(
    s3: S3, prefix: str, cache: BlobCache, act: Callable[[S3Blobs], object]
) -> None:
    nowhere = S3Blobs(s3.place(prefix, port=ports.choose(1)[0]), cache, HURRIED)

    with pytest.raises(BlobsAway, match="the blob store does not answer") as told:
        act(nowhere)

    assert SECRET not in f"{told.value}{told.value.__cause__!r}{nowhere.where!r}{nowhere.place()}"


def test_a_bucket_that_is_not_there_is_told(s3: S3, prefix: str) -> None:
    with pytest.raises(BlobsAway, match="there is no bucket nobodys"):
        S3Blobs(replace(s3.place(prefix), bucket="nobodys")).put(b"x")


def test_it_is_not_used_by_the_child_of_a_process_that_used_it(bucket: S3Blobs) -> None:
    def refused() -> None:
        with pytest.raises(RuntimeError):
            bucket.size("0" * 64)

    bucket.put(b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(forked(refused), 0)[1]) == 0


def test_a_child_uses_it_where_its_parent_did_not(environ: dict[str, str]) -> None:
    program = READ + (
        "import os; blobs = b.of(S.from_environment()); children = [os.fork() for _ in range(1)]\n"
        "if 0 in children: assert blobs.get(blobs.put(b'x')) == b'x'; os._exit(5)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program], env=environ, timeout=300, check=False).returncode == 5


def test_under_gevent_others_go_on_while_it_waits(s3: S3, environ: dict[str, str], cutting: Cutting) -> None:
    cutting.hold_after(0)
    program = (
        "import gevent.monkey; gevent.monkey.patch_all()\n"
        "import gevent, time; " + READ + "blobs = b.of(S.from_environment())\n"
        "waits = [gevent.spawn(blobs.get, '0' * 64) for _ in range(3)]\n"
        "ticks = 0\n"
        "for _ in range(20): gevent.sleep(0.01); ticks += 1\n"
        "print(ticks, sum(one.dead for one in waits), flush=True); import os; os._exit(0)"
    )
    held = {**environ, "SHIPD_S3_ENDPOINT": f"http://127.0.0.1:{cutting.port}"}
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, env=held, capture_output=True, text=True, timeout=300, check=False)

    assert done.stdout == "20 0\n", done.stderr


@pytest.mark.parametrize("room", [0, 64])
def test_the_doctor_finds_it_well(environ: dict[str, str], room: int) -> None:
    blobs = blob_stores.of(Settings.from_environment({**environ, "SHIPD_BLOB_CACHE_MB": str(room)}))

    assert blob_stores.fault(blobs) is None
    assert list(blobs.ids()) == []


def test_the_doctor_finds_out_who_may_not_write(s3: S3, prefix: str) -> None:
    nowhere = S3Blobs(s3.place(prefix, port=ports.choose(1)[0]), patience=blob_stores.QUICK)

    assert "does not answer" in str(blob_stores.fault(nowhere))


def test_without_a_usable_cache_it_goes_on(s3: S3, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"not a folder")
    blobs = S3Blobs(s3.place(prefix), BlobCache(tmp_path / "file", MIB))

    sha256 = blobs.put(b"hello")

    assert blobs.get(sha256) == b"hello"
    with blobs.open(sha256) as file:
        assert file.read() == b"hello"
    blobs.remove(sha256)
    with pytest.raises(BlobMissing):
        blobs.get(sha256)
