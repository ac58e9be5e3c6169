"""The plot: as high as what ended, with every fault below its moment."""

from tests.chaos.plot import per_second, plot


def test_what_ended_is_counted_by_second() -> None:
    assert per_second([0.1, 0.9, 2.5]) == [2, 0, 1]
    assert per_second([]) == [0]


def test_faults_stand_below_their_moments() -> None:
    drawn = plot([0.5, 1.5, 1.6, 3.5], [(1.2, "api-killed"), (1.4, "beat-killed")]).splitlines()
    assert drawn[0] == "ended per second, at most 2; a column is 1 s"
    assert drawn[1] == "| █  "
    assert drawn[6] == "|██ █"
    assert drawn[8] == "  AB"
    assert drawn[9] == " A api-killed (1 s)  B beat-killed (1 s)"


def test_a_long_run_is_drawn_in_wider_steps() -> None:
    drawn = plot([float(second) for second in range(250)], [(249.0, "x")]).splitlines()
    assert "a column is 3 s" in drawn[0]
    assert drawn[7] == f"+{'-' * 84}"
