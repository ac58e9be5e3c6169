"""PostgreSQL and Valkey as the roles of `ansible/` set them up: TLS, a user for each purpose, and the roles' own rules."""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
import trustme
import yaml
from jinja2 import Environment

from standalone import secret
from standalone.programs import TREE
from standalone.servers import Postgres, Valkey

ROLES = TREE / "ansible" / "roles"
HOST = "127.0.0.1"


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
    """With the roles and rights of `roles/postgres/files/rights.sql`; whoever comes over the network uses TLS."""

    superuser = "postgres"

    def __init__(self, folder: Path, port: int, certificates: Certificates) -> None:
        super().__init__(folder, port, durable=False)
        self._certificates = certificates
        self.passwords: Mapping[str, str] = {
            name: secrets.token_hex(16) for name in ("shipd_owner", "shipd", "shipd_readonly")
        }

    def argv(self) -> list[str]:
        own = self._certificates
        said = ("ssl=on", f"ssl_cert_file={own.certificate}", f"ssl_key_file={own.key}")
        return [*super().argv(), *(part for one in said for part in ("-c", one))]

    def say_rights(self) -> None:
        """Make roles, or say anew what they may: as the role does before and after migrations."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute((ROLES / "postgres" / "files" / "rights.sql").read_bytes())
            for name, password in self.passwords.items():
                connection.execute(f"ALTER ROLE {name} PASSWORD '{password}'".encode())

    def url_of(self, role: str) -> str:
        """Give the URL of a role, with TLS that is verified."""
        verified = f"sslmode=verify-full&sslrootcert={quote(str(self._certificates.authority))}"
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{self.port}/shipd?{verified}"


class SecureValkey(Valkey):
    """With the users of `roles/redis`, by its own template; without TLS it listens nowhere."""

    def __init__(self, folder: Path, port: int, certificates: Certificates) -> None:
        super().__init__(folder, port)
        self._certificates = certificates
        self.passwords = {name: secrets.token_hex(16) for name in self._rules()}

    @property
    def url(self) -> str:
        return self.url_of("shipd")

    def url_of(self, user: str) -> str:
        """Give the URL of a user, with the authority that signed the server's certificate."""
        trusted = quote(str(self._certificates.authority))
        return f"rediss://{user}:{self.passwords[user]}@{HOST}:{self.port}/0?ssl_ca_certs={trusted}"

    def prepare(self) -> None:
        super().prepare()
        own, conf, users = self._certificates, self.folder / "valkey.conf", self.folder / "users.acl"
        kept = [line for line in conf.read_text().splitlines() if not line.startswith(("port ", "requirepass "))]
        said = {
            "port": 0,
            "tls-port": self.port,
            "tls-cert-file": own.certificate,
            "tls-key-file": own.key,
            "tls-auth-clients": "no",
            "aclfile": users,
        }
        secret.write(conf, "\n".join([*kept, *(f"{name} {value}" for name, value in said.items()), ""]))
        secret.write(users, self._users())

    def refused(self) -> list[str]:
        """List what users were refused, but for the greeting of a newer redis-py that Redis 7.0 has no rule for."""
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
        return template.render(redis_users=self._rules(), redis_passwords=self.passwords)

    @staticmethod
    def _rules() -> dict[str, list[list[str]]]:
        read: dict[str, dict[str, list[list[str]]]] = yaml.safe_load(
            (ROLES / "redis" / "vars" / "main.yml").read_text()
        )
        return read["redis_users"]
