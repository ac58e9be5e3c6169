"""Where blobs are, from the environment."""

from pathlib import Path

import pytest

from domain import blob_stores
from domain.blob_folder import FolderBlobs
from domain.blob_s3 import S3Blobs
from domain.blob_settings import S3Place
from domain.settings import Settings

NEEDED = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
KEYS = {"SHIPD_S3_ACCESS_KEY_ID": "me", "SHIPD_S3_SECRET_ACCESS_KEY": "hush-hush"}
URL = {"SHIPD_BLOB_URL": "s3://bucket/some/where/"}


def _read(**environ: str) -> Settings:
    return Settings.from_environment({**NEEDED, **environ})


def _place(**environ: str) -> S3Place:
    found = _read(**environ).blob_url
    assert found is not None
    return found


def test_without_a_url_blobs_are_in_a_folder(tmp_path: Path) -> None:
    settings = _read(SHIPD_BLOB_DIR=str(tmp_path))

    assert settings.blob_url is None
    store = blob_stores.of(settings)
    assert isinstance(store, FolderBlobs)
    assert store.folder == tmp_path
    assert blob_stores.of_compiled(settings).place() == str(tmp_path / "compiled")


def test_bucket_prefix_and_endpoint() -> None:
    place = _place(**URL, **KEYS, SHIPD_S3_ENDPOINT="http://127.0.0.1:9000/", SHIPD_S3_REGION="eu-central-1")

    assert (place.bucket, place.prefix, place.endpoint) == ("bucket", "some/where", "http://127.0.0.1:9000")
    assert (place.region, place.access_key_id, place.secret_access_key) == ("eu-central-1", "me", "hush-hush")
    assert str(place) == "s3://bucket/some/where"
    assert str(_place(SHIPD_BLOB_URL="s3://bucket", **KEYS)) == "s3://bucket"


def test_compiled_programs_lie_below() -> None:
    settings = _read(**URL, **KEYS)

    assert blob_stores.of_compiled(settings).identity() == "s3://bucket/some/where/compiled"
    assert blob_stores.of_compiled(_read(SHIPD_BLOB_URL="s3://bucket", **KEYS)).identity() == "s3://bucket/compiled"


def test_the_usual_variables_will_do_and_ours_go_before_them() -> None:
    usual = {"AWS_ACCESS_KEY_ID": "you", "AWS_SECRET_ACCESS_KEY": "psst", "AWS_REGION": "r", "AWS_SESSION_TOKEN": "t"}
    place = _place(**URL, **usual, AWS_ENDPOINT_URL_S3="https://s3.example.org")

    assert (place.access_key_id, place.secret_access_key) == ("you", "psst")
    assert (place.region, place.session_token, place.endpoint) == ("r", "t", "https://s3.example.org")
    assert _place(**URL, **usual, **KEYS).secret_access_key == "hush-hush"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("in a file\n")
    place = _place(**URL, SHIPD_S3_ACCESS_KEY_ID="me", SHIPD_S3_SECRET_ACCESS_KEY_FILE=str(tmp_path / "secret"))

    assert place.secret_access_key == "in a file"


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_there_is_no_secret_by_default(missing: str) -> None:
    with pytest.raises(ValueError, match=f"{missing} is not set"):
        _read(**URL, **{name: value for name, value in KEYS.items() if name != missing})


@pytest.mark.parametrize(
    "url",
    ["http://bucket", "s3://", "s3://B", "s3://me:hush@bucket/x", "s3://bucket/../x", "s3://bucket/a b", "bucket"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SHIPD_BLOB_URL is no S3 URL; it must be s3://BUCKET") as told:
        _read(SHIPD_BLOB_URL=url, **KEYS)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "ftp://x", "http://me:hush@127.0.0.1:9000"])
def test_what_is_no_endpoint_is_refused_and_not_repeated(endpoint: str) -> None:
    with pytest.raises(ValueError, match="SHIPD_S3_ENDPOINT") as told:
        _read(**URL, **KEYS, SHIPD_S3_ENDPOINT=endpoint)
    assert "hush" not in str(told.value)


def test_secrets_do_not_show() -> None:
    settings = _read(**URL, **KEYS, SHIPD_S3_SESSION_TOKEN="for-a-while")
    store = blob_stores.of(settings)

    assert isinstance(store, S3Blobs)
    shown = f"{settings!r}{settings.blob_url}{store.where!r}{store.place()}{store.identity()}"
    assert not any(secret in shown for secret in ("hush-hush", "for-a-while"))
