from collections import Counter

from benchmarks.overshoot import SHARE, schedule


def test_every_program_gets_its_runs_under_every_limit() -> None:
    runs = Counter(schedule(["one", "two"], 20))
    assert runs == {(name, limit_ms): 20 * share for name in ("one", "two") for limit_ms, share in SHARE.items()}


def test_runs_of_one_kind_are_spread_over_the_whole_time() -> None:
    runs = schedule(["one", "two"], 100)
    for kind in set(runs):
        places = [place for place, run in enumerate(runs) if run == kind]
        assert places[0] < len(runs) / 10
        assert places[-1] > len(runs) * 8 / 10
