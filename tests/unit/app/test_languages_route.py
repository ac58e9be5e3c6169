from typing import TYPE_CHECKING

from domain.errors import Unavailable

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    backend.versions = {"cpp": "12.2.0"}

    listed = api.get("/v1/languages").body["languages"]

    assert isinstance(listed, list)
    by_name = {entry["name"]: entry for entry in listed}
    assert list(by_name) == sorted(by_name)
    assert by_name["cpp"] == {
        "name": "cpp",
        "title": "C++",
        "versions": ["17", "20"],
        "default_version": "17",
        "main_file": "main.cpp",
        "available": True,
        "version": "12.2.0",
        "install": None,
    }
    assert (by_name["rust"]["available"], by_name["rust"]["version"]) == (False, None)
    assert by_name["rust"]["install"].startswith("apt-get install")


def test_it_answers_503_while_the_database_is_away(api: "Api", backend: "MemoryBackend") -> None:
    backend.failure = Unavailable("no")

    assert api.get("/v1/languages").status == 503
