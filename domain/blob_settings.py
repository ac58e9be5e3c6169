"""The settings of a blob store on S3: SHIPD_BLOB_URL, and SHIPD_S3_* or the usual AWS_* variables."""

import re
from dataclasses import dataclass, field

from domain.environment import Reader

URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]{0,512}))?")
ENDPOINTS = ("https://", "http://")
REGION = "us-east-1"
"""What stores of no region expect."""
MAX_CACHE_MB = 1024 * 1024


@dataclass(frozen=True)
class S3Place:
    """A bucket, a prefix in it, and how it is reached. Secrets do not show in `repr`."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    """None for Amazon's own of the region."""
    region: str = REGION
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def read(read: Reader) -> S3Place | None:
    """Read where blobs are on S3; None where they are in a folder. Raises ValueError."""
    url = read.text("SHIPD_BLOB_URL")
    return None if url is None else place(read, url, "SHIPD_BLOB_URL")


def place(read: Reader, url: str, name: str) -> S3Place:
    """Read how a bucket is reached that `name` names. Raises ValueError saying which variable is missing."""
    found = URL.fullmatch(url)
    if found is None or ".." in url:
        raise ValueError(f"{name} is no S3 URL; it must be s3://BUCKET or s3://BUCKET/PREFIX, credentials elsewhere")
    return S3Place(
        bucket=found[1],
        prefix=(found[2] or "").strip("/"),
        endpoint=_endpoint(read),
        region=_first(read, "SHIPD_S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION") or REGION,
        access_key_id=_required(read, "ACCESS_KEY_ID"),
        secret_access_key=_required(read, "SECRET_ACCESS_KEY"),
        session_token=_first(read, "SHIPD_S3_SESSION_TOKEN", "AWS_SESSION_TOKEN"),
    )


def _endpoint(read: Reader) -> str | None:
    for name in ("SHIPD_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        found = read.url(name, ENDPOINTS)
        if found is not None:
            if "@" in found:
                raise ValueError(f"{name} holds a user or password; credentials are SHIPD_S3_ACCESS_KEY_ID and _SECRET")
            return found.rstrip("/")
    return None


def _required(read: Reader, what: str) -> str:
    found = _first(read, f"SHIPD_S3_{what}", f"AWS_{what}")
    if not found:
        raise ValueError(f"SHIPD_S3_{what} is not set; set it, SHIPD_S3_{what}_FILE or AWS_{what}: blobs are on S3")
    return found


def _first(read: Reader, *names: str) -> str | None:
    return next((found for name in names if (found := read.secret(name)) is not None), None)
