"""How far regions are from each other."""

import pytest

from domain import distances
from domain.distances import UNSAID_MS, Distances


def test_it_holds_both_ways() -> None:
    found = distances.parse(["eu:us=80", "eu:ap=160.5"])
    assert (found.ms("eu", "us"), found.ms("us", "eu"), found.ms("ap", "eu")) == (80, 80, 160.5)


def test_a_region_is_at_itself_and_others_are_far() -> None:
    assert (Distances().ms("eu", "eu"), Distances().ms("eu", "us")) == (0, UNSAID_MS)


@pytest.mark.parametrize("word", ["eu", "eu:us", "eu:us=", "eu:us=-1", "eu:us=x", "EU:us=1", "eu:eu=1", "eu=us:1"])
def test_what_is_no_distance_is_named(word: str) -> None:
    with pytest.raises(ValueError, match="must be two regions"):
        distances.parse([word])


def test_two_distances_of_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match="another distance than before"):
        distances.parse(["eu:us=80", "us:eu=81"])
