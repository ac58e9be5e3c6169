"""PostgreSQL and Valkey with the users and rules of the roles in `ansible/`, read from the roles' own files."""

import asyncio
import contextlib
import hashlib
import runpy
import secrets
import ssl
import threading
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
import trustme
import yaml
from jinja2 import Environment

from standalone import ports, secret
from standalone.programs import TREE
from standalone.servers import Postgres, Valkey

ROLES = TREE / "ansible" / "roles"
HOST = "127.0.0.1"


def scram(password: str, whose: str) -> str:
    """Do what the role does with a password, by its own filter."""
    made: str = runpy.run_path(str(ROLES / "postgres" / "filter_plugins" / "postgres_scram.py"))["postgres_scram"](
        password, whose
    )
    return made


class Certificates:
    """An authority of this test run, and a certificate of it for 127.0.0.1, as files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        own = trustme.CA()
        issued = own.issue_cert(HOST)
        self.authority, self.certificate, self.key = folder / "ca.pem", folder / "server.crt", folder / "server.key"
        own.cert_pem.write_to_path(self.authority)
        issued.cert_chain_pems[0].write_to_path(self.certificate)
        secret.write(self.key, issued.private_key_pem.bytes().decode())


class SecurePostgres(Postgres):
    """With the roles and rights of `roles/postgres/files/rights.sql`. No TLS: the binaries of tests have none."""

    superuser = "postgres"

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port, durable=False)
        self.passwords = {name: secrets.token_hex(16) for name in ("shipd_owner", "shipd", "shipd_readonly")}

    def say_rights(self) -> None:
        """Make roles, or say anew what they may: as the role does before and after migrations."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute((ROLES / "postgres" / "files" / "rights.sql").read_bytes())
            for name, password in self.passwords.items():
                connection.execute(f"ALTER ROLE {name} PASSWORD '{scram(password, name)}'".encode())

    def url_of(self, role: str) -> str:
        """Give the URL of a role."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.port}/shipd"


class SecureValkey(Valkey):
    """With the users of `roles/redis`, by its own template, and TLS before it: the binary of tests has none."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        inner, self._outer = ports.choose(2)
        super().__init__(folder, inner, durable=False)
        self._certificates = certificates
        self._front = TlsFront(self._outer, inner, certificates)
        self.passwords = {name: secrets.token_hex(16) for name in _rules()}

    @property
    def url(self) -> str:
        return self.url_of("shipd")

    def url_of(self, user: str) -> str:
        """Give the URL of a user, with the authority that signed the server's certificate."""
        trusted = quote(str(self._certificates.authority))
        return f"rediss://{user}:{self.passwords[user]}@{HOST}:{self._outer}/0?ssl_ca_certs={trusted}"

    def prepare(self) -> None:
        super().prepare()
        conf, users = self.folder / "valkey.conf", self.folder / "users.acl"
        kept = [line for line in conf.read_text().splitlines() if not line.startswith("requirepass ")]
        secret.write(conf, "\n".join([*kept, f"aclfile {users}", ""]))
        secret.write(users, self._users())

    def start(self) -> None:
        self._front.start()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._front.stop()

    def refused(self) -> list[str]:
        """List what users were refused, but for a greeting of newer clients that Redis 7.0 has no rule for."""
        client = redis.Redis.from_url(self.url_of("admin"))
        try:
            entries = client.acl_log()
        finally:
            client.close()
        found = [f"{entry['username']} {entry['reason']} {entry['object']}" for entry in entries]
        return [one for one in found if not one.endswith("client|setinfo")]

    def _users(self) -> str:
        made = Environment(keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 - no HTML
        made.filters["hash"] = lambda text, _: hashlib.sha256(text.encode()).hexdigest()
        made.filters["flatten"] = lambda lists: [one for each in lists for one in each]
        template = made.from_string((ROLES / "redis" / "templates" / "users.acl.j2").read_text())
        return template.render(redis_users=_rules(), redis_passwords=self.passwords)


class TlsFront:
    """Takes TLS on one port of 127.0.0.1 and hands on to another; a thread with its own loop."""

    def __init__(self, port: int, behind: int, certificates: Certificates) -> None:
        self._port, self._behind = port, behind
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificates.certificate, certificates.key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()
        listening = asyncio.start_server(self._take, HOST, self._port, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)

    def stop(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        own = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in own:
            task.cancel()
        await asyncio.gather(*own, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection(HOST, self._behind)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def _rules() -> dict[str, list[list[str]]]:
    read: dict[str, dict[str, list[list[str]]]] = yaml.safe_load((ROLES / "redis" / "vars" / "main.yml").read_text())
    return read["redis_users"]
