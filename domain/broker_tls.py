"""TLS to a broker that is Redis: what Celery and Flower must be told beside its URL.

Left to themselves kombu takes any certificate where the URL of `rediss://` says nothing about them, and Flower does not
read the URL's parameters at all. redis-py, by itself, asks for a certificate of the name that it connects to.
"""

import ssl
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

SCHEME = "rediss"
REQUIREMENTS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def of(url: str) -> Mapping[str, object] | None:
    """Give redis-py's options of TLS for a broker's URL, None where it has none.

    `ssl_cert_reqs` (`required` where it is not said), `ssl_check_hostname`, `ssl_ca_certs` and the other parameters
    that begin with `ssl_` are taken from the URL. Raises ValueError for a requirement that there is not.
    """
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        return None
    said: dict[str, object] = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    wanted = str(said.get("ssl_cert_reqs", "required")).lower().removeprefix("cert_")
    if wanted not in REQUIREMENTS:
        raise ValueError(f"ssl_cert_reqs={wanted!r} of the broker's URL is not one of: {', '.join(REQUIREMENTS)}")
    said["ssl_cert_reqs"] = REQUIREMENTS[wanted]
    if "ssl_check_hostname" in said:
        said["ssl_check_hostname"] = str(said["ssl_check_hostname"]).lower() != "false"
    return said
