"""An S3 server of a test run: moto's, as a process of its own, which keeps everything in memory."""

import re
import signal
import sys
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from domain.blob_settings import S3Place
from standalone.servers import Server

if TYPE_CHECKING:
    from obstore.store import S3Config

BUCKET = "blobs"
SECRET = "s3-secret-of-the-tests"


class S3(Server):
    """Listens on 127.0.0.1, and has one bucket when it answers."""

    name = "s3"
    stop_signal = signal.SIGKILL  # there is nothing that it should write before

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings of a platform whose blobs are here."""
        return {
            "SHIPD_BLOB_URL": f"s3://{BUCKET}/shipd",
            "SHIPD_S3_ENDPOINT": self.url,
            "SHIPD_S3_ACCESS_KEY_ID": "tests",
            "SHIPD_S3_SECRET_ACCESS_KEY": SECRET,
        }

    def place(self, prefix: str, *, port: int | None = None) -> S3Place:
        """Give a part of the bucket, as it is reached at this or another port."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return S3Place(BUCKET, prefix, endpoint, access_key_id="tests", secret_access_key=SECRET)

    def prepare(self) -> None:
        """Make the folder for its log."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def argv(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        """Make the bucket, which is harmless where it is there."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("PUT", f"/{BUCKET}")
            except ConnectionRefusedError:
                return False
            return connection.getresponse().status == HTTPStatus.OK

    def asked(self, method: str, prefix: str) -> list[str]:
        """List the keys that were asked for below a prefix, of all requests so far, by its log."""
        log = re.sub(r"\x1b\[[0-9;]*m", "", (self.folder / "server.log").read_text(errors="replace"))
        return re.findall(rf'"{method} /{BUCKET}/{prefix}/(\S*) HTTP', log)

    def spoil(self, key: str, data: bytes) -> None:
        """Put other bytes where an object is, past the code under test."""
        keys: S3Config = {"access_key_id": "tests", "secret_access_key": SECRET, "region": "us-east-1"}
        config: S3Config = {**keys, "endpoint": self.url, "virtual_hosted_style_request": False}
        obstore.put(S3Store(BUCKET, config=config, client_options={"allow_http": True}), key, data)
