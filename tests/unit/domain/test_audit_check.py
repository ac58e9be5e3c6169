"""The chain of audit entries, without a database: what was changed, taken out, put in or moved is named."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from domain import audit_check
from domain.audit_chain import START, Head, Link, canonical, digest
from domain.audit_check import Broken, Checked, Fault


def chained(count: int) -> list[Link]:
    links, before = [], START
    for position in range(1, count + 1):
        entry = {"id": str(position), "at": "2026-11-26T08:00:00", "event": "key_created", "details": {"n": position}}
        before = digest(before, position, entry)
        links.append(Link(position, before, entry))
    return links


def checked(links: Sequence[Link], *asked: int) -> Checked:
    found = Checked(Head(0, START), Head(0, START), seen=dict.fromkeys(asked, b""))
    for _ in audit_check.check(found, links):
        pass
    return found


def test_what_nobody_touched_is_whole() -> None:
    links = chained(5)

    found = checked(links)

    assert (found.entries, found.broken, found.end) == (5, None, links[-1].head)


def test_the_bytes_that_are_hashed_are_those_of_the_documentation() -> None:
    entry = {"event": "é", "at": "x", "details": {"b": 1.5, "a": None}}

    assert canonical(7, entry) == b'{"at":"x","details":{"a":null,"b":1.5},"event":"\\u00e9","position":7}'


def changed(links: list[Link]) -> list[Link]:
    links[2] = replace(links[2], entry={**links[2].entry, "event": "nothing"})
    return links


def taken_out(links: list[Link]) -> list[Link]:
    return links[:2] + links[3:]


def swapped(links: list[Link]) -> list[Link]:
    one, two = links[2], links[5]
    links[2], links[5] = replace(two, position=3), replace(one, position=6)
    return links


def swapped_under_their_hashes(links: list[Link]) -> list[Link]:
    one, two = links[2], links[5]
    links[2], links[5] = replace(one, entry=two.entry), replace(two, entry=one.entry)
    return links


def put_in(links: list[Link]) -> list[Link]:
    later = [replace(one, position=one.position + 1) for one in links[2:]]
    return [*links[:2], Link(3, bytes(32), {"event": "made up"}), *later]


def taken_out_and_closed_up(links: list[Link]) -> list[Link]:
    return links[:2] + [replace(one, position=one.position - 1) for one in links[3:]]


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (changed, Fault.CHANGED),
        (taken_out, Fault.MISSING),
        (swapped, Fault.REORDERED),
        (swapped_under_their_hashes, Fault.REORDERED),
        (put_in, Fault.REORDERED),
        (taken_out_and_closed_up, Fault.CHANGED),
    ],
)
def test_the_first_place_where_it_is_broken_is_named(tamper: Callable[[list[Link]], list[Link]], fault: Fault) -> None:
    found = checked(tamper(chained(8)))

    assert isinstance(found.broken, Broken)
    assert (found.broken.position, found.broken.fault, found.entries) == (3, fault, 2)


def test_an_entry_that_was_changed_with_its_hash_is_told_by_the_next() -> None:
    links = chained(8)
    (links[2],) = rechained(links[1].head, [{**links[2].entry, "event": "nothing"}])

    found = checked(links)

    assert isinstance(found.broken, Broken)
    assert (found.broken.position, found.broken.fault, found.entries) == (4, Fault.CHANGED, 3)


def test_a_chain_that_was_made_anew_is_told_by_a_head_from_elsewhere() -> None:
    known = chained(8)[5].head
    anew = chained(8)
    anew[1:] = rechained(anew[0].head, [{**one.entry, "event": "nothing"} for one in anew[1:]])

    found = checked(anew, known.position)

    assert found.broken is None
    broken = audit_check.reaches(found, known, "--head")
    assert broken is not None
    assert (broken.position, broken.fault) == (6, Fault.ANEW)


def rechained(last: Head, entries: Sequence[dict[str, object]]) -> list[Link]:
    links = []
    for entry in entries:
        last = Head(last.position + 1, digest(last.hash, last.position + 1, entry))
        links.append(Link(last.position, last.hash, entry))
    return links


def test_an_end_that_was_cut_off_is_told_by_a_head_from_elsewhere() -> None:
    links = chained(8)

    found = checked(links[:5], 8, 5)

    broken = audit_check.reaches(found, links[7].head, "--head")
    assert broken is not None
    assert (broken.position, broken.fault) == (6, Fault.CUT)
    assert audit_check.reaches(found, links[4].head, "--head") is None


def test_an_export_is_read_back_and_any_part_of_it_can_be_checked() -> None:
    links = chained(6)
    lines = [json.dumps(line) for line in audit_check.exported(Head(0, START), links)]

    read = list(audit_check.lines(lines[3:]))

    assert [link for _, link in read] == links[3:]
    assert read[0][0] == links[2].hash
    with pytest.raises(ValueError, match="line 2 is no line of an export"):
        list(audit_check.lines([lines[0], '{"position": 2}']))


def test_a_log_is_searched_for_lines_of_the_chain() -> None:
    (link,) = chained(1)
    line = json.dumps({"event": "audit", "entry": link.line, "level": "info"})

    text = ["not JSON", '{"event": "swept"}', f"Nov 26 08:00:00 one shipd[1]: {line}", '{"event": "audit"}', "[]"]

    assert list(audit_check.logged(text)) == [link]


@pytest.mark.parametrize("text", ["", "7", "7:00", "x:" + "00" * 32, "-1:" + "00" * 32])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Head.read(text)
    assert Head.read(f"7:{'00' * 32}") == Head(7, bytes(32))
