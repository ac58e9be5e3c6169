"""The file that says which identity providers are trusted."""

from pathlib import Path

import pytest

from domain.oidc_settings import Issuer, load, secure
from domain.roles import Role

DOCUMENT = Path(__file__).parents[3] / "docs" / "access.md"


def _load(tmp_path: Path, text: str) -> tuple[Issuer, ...]:
    file = tmp_path / "oidc.toml"
    file.write_text(text)
    return load(file)


def test_it_works(tmp_path: Path) -> None:
    (issuer,) = _load(
        tmp_path,
        """
        [[issuer]]
        url = "https://login.example/realms/school"
        audience = ["shipd", "other"]
        clients = "web"
        algorithms = ["ES256"]
        role_claim = ["realm_access", "roles"]
        default_role = "none"
        skew_s = 0
        network = true
        static_check = "basic"
        makes_keys = true
        [issuer.roles]
        staff = "operator"
        all = "submitter"
        [issuer.require]
        typ = "Bearer"
        """,
    )

    assert issuer == Issuer(
        "https://login.example/realms/school",
        ("shipd", "other"),
        clients=("web",),
        algorithms=("ES256",),
        role_claim=("realm_access", "roles"),
        roles={"staff": Role.OPERATOR, "all": Role.SUBMITTER},
        default_role=None,
        require={"typ": "Bearer"},
        skew_s=0,
        network=True,
        static_check="basic",
        makes_keys=True,
    )


def test_without_a_file_nobody_is_trusted() -> None:
    assert load(None) == ()


def test_what_is_left_out_is_the_strict_thing(tmp_path: Path) -> None:
    assert _load(tmp_path, '[[issuer]]\nurl = "https://a"\naudience = "b"') == (Issuer("https://a", ("b",)),)


def test_the_examples_of_the_document_are_right(tmp_path: Path) -> None:
    lines = [line.removeprefix("    ") for line in DOCUMENT.read_text().splitlines() if line.startswith("    ")]
    text = "\n".join(lines)

    issuers = _load(tmp_path, text[text.index("[[issuer]]") :])

    assert [issuer.url.split("/")[2].split(".")[-2] for issuer in issuers] == ["amazonaws", "login", "auth0"]


GOOD = 'url = "https://a"\naudience = "b"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no"),
        ("issuer = 1", "has no"),
        ("issuer = [1]", "issuer 1 is no table"),
        ("[[issuer", "oidc.toml"),
        ('[[issuer]]\naudience = "b"', "url is missing"),
        ('[[issuer]]\nurl = "https://a"', "audience is missing"),
        ('[[issuer]]\nurl = "https://a"\naudience = []', "audience is"),
        ('[[issuer]]\nurl = "http://login.example"\naudience = "b"', "must be https"),
        ('[[issuer]]\nurl = "https://a?x"\naudience = "b"', "must be https"),
        ('[[issuer]]\nurl = "file:///etc"\naudience = "b"', "must be https"),
        (f'[[issuer]]\n{GOOD}algorithms = ["HS256"]', "HS256.*not taken"),
        (f'[[issuer]]\n{GOOD}algorithms = ["none"]', "none.*not taken"),
        (f'[[issuer]]\n{GOOD}roles = {{ a = "king" }}', "roles.a='king' is no role"),
        (f"[[issuer]]\n{GOOD}roles = {{ a = [1] }}", "is no role"),
        (f'[[issuer]]\n{GOOD}roles = "admin"', "roles is 'admin'"),
        (f'[[issuer]]\n{GOOD}default_role = "nobody"', "default_role='nobody'"),
        (f"[[issuer]]\n{GOOD}require = {{ a = 1 }}", "require is"),
        (f"[[issuer]]\n{GOOD}skew_s = 301", "skew_s is 301"),
        (f"[[issuer]]\n{GOOD}skew_s = true", "skew_s is True"),
        (f'[[issuer]]\n{GOOD}network = "yes"', "network is 'yes'"),
        (f'[[issuer]]\n{GOOD}client = "x"', "unknown keys .*client"),
        (f"[[issuer]]\n{GOOD}[[issuer]]\n{GOOD}", "same url"),
    ],
)
def test_a_wrong_file_stops_the_start_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        _load(tmp_path, text)

    assert "SHIPD_OIDC" in str(raised.value)


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHIPD_OIDC"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("url", "of", "is_secure"),
    [
        ("https://keys.example/jwks", "https://login.example", True),
        ("http://keys.example/jwks", "https://login.example", False),
        ("http://127.0.0.1/jwks", "https://login.example", False),
        ("http://127.0.0.1/jwks", "http://localhost:1", True),
        ("http://127.0.0.1.evil.example/jwks", "http://localhost:1", False),
        ("http://127.0.0.1@evil.example/jwks", "http://localhost:1", False),
        ("https://", "https://login.example", False),
        ("ftp://127.0.0.1/", "http://127.0.0.1", False),
        ("", "", False),
    ],
)
def test_keys_come_from_where_nobody_else_can_answer(url: str, of: str, is_secure: bool) -> None:
    assert secure(url, of=of) is is_secure
