"""A process that cannot begin must not go on."""

import multiprocessing

import pytest

from workers import fitness


def _begin_in_vain() -> None:
    raise OSError(28, "No space left on device")


def _begin() -> None:
    """Nothing is in the way."""


def _process(fails: bool) -> None:
    fitness.PAUSE_S = 0.0
    fitness.fit_or_ended(_begin_in_vain if fails else _begin)


@pytest.mark.parametrize(("fails", "code"), [(True, 1), (False, 0)])
def test_it_ends_where_it_cannot_begin(fails: bool, code: int) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_process, args=(fails,))
    process.start()
    process.join(30)
    assert process.exitcode == code
