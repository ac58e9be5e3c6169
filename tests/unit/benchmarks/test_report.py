import json

import pytest

from benchmarks.report import Figures, Ratio, figure, markdown, nested, ratios

FIGURES: Figures = {
    "jail/python/bare": {"wall_p50_ms": 10.0, "wall_p99_ms": 20.0, "cpu_ms": 9.87654},
    "jail/python/cold": {"wall_p50_ms": 25.0, "wall_p99_ms": 30.0, "cpu_ms": 20.0},
    "http/hello/c1": {"per_s": 1234.5, "p50_ms": 123.45, "p95_ms": 3.0, "cpu_ms": 2.0},
    "control": {"per_s": 50.0, "cpu_ms": 20.0, "celery_noop_per_s": 500.0},
    "standing/100": {"mb": 1.5, "start_ms": 11.0},
    "more/cases/hello/c1": {"cases_per_s": 7.0},
}


def test_paths_become_objects_within_objects() -> None:
    whole = nested(FIGURES)
    assert whole["jail"]["python"]["bare"] == {"wall_p50_ms": 10.0, "wall_p99_ms": 20.0, "cpu_ms": 9.877}
    assert whole["jail"]["python"].keys() == {"bare", "cold"}
    assert whole["http"]["hello"]["c1"].keys() == {"per_s", "p50_ms", "p95_ms", "cpu_ms"}
    assert whole["control"] == FIGURES["control"]
    assert whole["standing"]["100"] == {"mb": 1.5, "start_ms": 11.0}
    assert json.loads(json.dumps(whole)) == whole


def test_a_figure_is_found_by_its_path_and_name() -> None:
    assert figure(FIGURES, "jail/python/cold/cpu_ms") == 20
    assert figure(FIGURES, "control/per_s") == 50
    assert figure(FIGURES, "jail/python/warm/cpu_ms") is None


def test_a_ratio_needs_both_sides() -> None:
    both = Ratio("both", "jail/python/cold/wall_p50_ms", "jail/python/bare/wall_p50_ms")
    one = Ratio("one", "jail/python/warm/wall_p50_ms", "jail/python/bare/wall_p50_ms")
    assert ratios(FIGURES, (both, one)) == [(both, 2.5)]


def test_no_ratio_is_made_with_nothing() -> None:
    assert ratios({"a": {"x": 1.0}, "b": {"x": 0.0}}, (Ratio("", "a/x", "b/x"),)) == []


def test_the_usual_ratios_are_found() -> None:
    found = {ratio.name: value for ratio, value in ratios(FIGURES)}
    assert found["cold / bare, python, wall_p50_ms"] == 2.5
    assert found["submissions / Celery's no-ops"] == 0.1


def test_tables_say_what_was_measured_and_nothing_else() -> None:
    text = markdown(FIGURES, {"CPU": "Some CPU", "kernel": "6.1"}, {"samples": 100})
    assert text.startswith("Measured in one run: CPU Some CPU, kernel 6.1, samples 100.\n")
    assert "| python/cold | 25.00 | 30.00 | 20.00 |" in text
    assert "| hello/c1 | 1234 | 123.5 | 3.00 | 2.00 |" in text
    assert "| 100 | 1.50 | 11.00 |" in text
    assert "Calls among many submissions" not in text


@pytest.mark.parametrize(("at_most", "said"), [(3.0, "at most 3: met"), (2.0, "at most 2: missed"), (None, "")])
def test_a_target_is_met_or_missed(at_most: float | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ratio = Ratio("it", "jail/python/cold/wall_p50_ms", "jail/python/bare/wall_p50_ms", at_most)
    monkeypatch.setattr("benchmarks.report.RATIOS", (ratio,))
    assert f"| it | 2.50 | {said} |" in markdown(FIGURES, {}, {})
