import io

import pytest
from rich.console import Console

from client import progress


@pytest.mark.parametrize("terminal", [True, False])
def test_it_draws_on_terminals_alone(terminal: bool) -> None:
    drawn = io.StringIO()
    with progress.bar(4, console=Console(file=drawn, force_terminal=terminal, width=80)) as over:
        over(1)
        over(3)
    assert ("4/4" in drawn.getvalue()) == terminal
