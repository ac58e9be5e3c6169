"""What a deployment says of webhooks: `SHIPD_WEBHOOK_...`."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from domain.addresses import Reach
from domain.environment import Reader

HTTPS_PORT, HTTP_PORT = 443, 80
MOST_PORT = 65_535


@dataclass(frozen=True)
class WebhookSettings:
    """Where webhooks may go, and how many at a time."""

    http: bool = False
    """SHIPD_WEBHOOK_HTTP: `on` lets webhooks go over plain http, too."""
    ports: tuple[int, ...] = (HTTPS_PORT,)
    """SHIPD_WEBHOOK_PORTS: with commas; default 443, and 80 where http is on."""
    allowed: tuple[IPv4Network | IPv6Network, ...] = ()
    """SHIPD_WEBHOOK_ALLOW: CIDRs that webhooks may reach although they are private, or the platform's own."""
    threads: int = 16
    """SHIPD_WEBHOOK_THREADS: deliveries at a time in each delivering process."""
    per_host: int = 4
    """SHIPD_WEBHOOK_PER_HOST: of these, as many at a time go to one host."""

    @property
    def reach(self) -> Reach:
        """Which addresses may be called, as far as settings tell."""
        return Reach(self.allowed)


def read(reader: Reader) -> WebhookSettings:
    """Read them. Raises ValueError naming the variable, what is wrong and what is accepted."""
    http = reader.choice("SHIPD_WEBHOOK_HTTP", "off", ("on", "off")) == "on"
    threads = reader.integer("SHIPD_WEBHOOK_THREADS", WebhookSettings.threads, floor=1, ceiling=256)
    per_host = min(WebhookSettings.per_host, threads)
    return WebhookSettings(
        http=http,
        ports=_ports(reader.words("SHIPD_WEBHOOK_PORTS")) or ((HTTPS_PORT, HTTP_PORT) if http else (HTTPS_PORT,)),
        allowed=tuple(map(_network, reader.words("SHIPD_WEBHOOK_ALLOW"))),
        threads=threads,
        per_host=reader.integer("SHIPD_WEBHOOK_PER_HOST", per_host, floor=1, ceiling=threads),
    )


def _ports(words: Sequence[str]) -> tuple[int, ...]:
    for word in words:
        if not (word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= MOST_PORT):
            raise ValueError(
                f"SHIPD_WEBHOOK_PORTS: {word!r} is no port; it must be numbers from 1 to 65535 with commas"
            )
    return tuple(int(word) for word in words)


def _network(word: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(word)
    except ValueError as error:
        accepted = "CIDRs such as 10.1.0.0/16 or fd00::/8 with commas"
        raise ValueError(f"SHIPD_WEBHOOK_ALLOW: {word!r} is no network: {error}; it must be {accepted}") from error
