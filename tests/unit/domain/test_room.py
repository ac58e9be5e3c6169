from dataclasses import replace

from domain import room
from domain.host import HostReport
from domain.limits import Constraints
from domain.room import Need

SMALL = HostReport(
    "small",
    cpus=1,
    memory_bytes=512 * room.MIB,
    root=True,
    languages={"c": "12"},
    missing={"go": "apt-get install -y golang"},
)
LARGE = HostReport(
    "large",
    cpus=4,
    memory_bytes=4096 * room.MIB,
    root=False,
    languages={"python": "3.11"},
    missing={"go": "apt-get install -y golang"},
)
BOTH = [SMALL, LARGE]


def _need(language: str = "python", **constraints: int) -> Need:
    return Need.of(language, Constraints(**constraints))  # type: ignore[arg-type]


def _fields(need: Need, hosts: list[HostReport]) -> list[str]:
    return [problem.field for problem in room.problems(need, hosts)]


def test_it_works() -> None:
    assert _fields(_need(), BOTH) == []
    assert _need().fits(LARGE)
    assert not _need().fits(SMALL)


def test_exactly_what_a_host_has_is_not_too_much() -> None:
    assert _fields(_need(memory_mb=4096, cpu_millicores=4000), BOTH) == []
    assert _fields(_need(memory_mb=4097), BOTH) == ["constraints.memory_mb"]
    assert _fields(_need(cpu_millicores=4001), BOTH) == ["constraints.cpu_millicores"]


def test_a_disk_image_needs_root() -> None:
    # 200 MB of disk beside 256 MB of memory are no tmpfs.
    assert _fields(_need(disk_mb=200), [LARGE]) == ["constraints.disk_mb"]
    assert _fields(_need(disk_mb=200), BOTH) == []
    assert _fields(_need(disk_mb=200, memory_mb=400), [LARGE]) == []


def test_a_disk_image_needs_room() -> None:
    small, large = (replace(SMALL, disk_bytes=size * room.MIB) for size in (199, 300))
    assert _fields(_need(disk_mb=200), [small]) == ["constraints.disk_mb"]
    (problem,) = room.problems(_need("c", disk_mb=301), [small, large])
    assert problem.hint == "ask for at most 300"
    assert _fields(_need("c", disk_mb=300), [small, large]) == []
    assert _fields(_need("c", disk_mb=10_000), [SMALL]) == []  # of a release that does not say


def test_a_network_needs_a_host_that_offers_one() -> None:
    offering = replace(SMALL, network=True)
    assert _fields(_need(network_enabled=True), BOTH) == ["constraints.network_enabled"]
    assert _fields(_need("c", network_enabled=True), [LARGE, offering]) == []
    assert _need("c", network_enabled=True).fits(offering)
    assert not _need("c", network_enabled=True).fits(SMALL)


def test_everything_that_is_too_much_is_named() -> None:
    assert _fields(_need(memory_mb=8000, cpu_millicores=4000, disk_mb=5000), [replace(SMALL, root=False)]) == [
        "constraints.memory_mb",
        "constraints.cpu_millicores",
        "constraints.disk_mb",
    ]


def test_what_no_single_host_has_at_once_is_refused() -> None:
    assert _fields(_need(memory_mb=1024, disk_mb=1000), BOTH) == ["constraints"]


def test_a_language_that_every_host_says_is_missing_is_refused_with_the_way_to_install_it() -> None:
    (problem,) = room.problems(_need("go@1.22"), BOTH)

    assert problem.field == "language"
    assert "apt-get install -y golang" in problem.hint


def test_a_language_that_some_host_has_or_does_not_speak_of_is_accepted() -> None:
    assert _fields(_need("go"), [SMALL, replace(LARGE, missing={})]) == []
    assert _fields(_need("go"), [SMALL, replace(LARGE, languages={"go": "1.22"})]) == []
    assert _fields(_need("cobol"), BOTH) == []


def test_without_any_host_everything_is_accepted() -> None:
    assert _fields(_need("cobol", memory_mb=8192, cpu_millicores=4000, disk_mb=10_240), []) == []
