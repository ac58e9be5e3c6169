"""What people see of the command."""

import pytest

from app.cli_parts import print_table, printable


def test_what_a_terminal_would_obey_is_taken_out() -> None:
    assert printable("é\t\n\x1b\x00\r\u202e") == "é\t\n\\x1b\\x00\\x0d\\x202e"


def test_nor_does_a_table_give_orders(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("Keys", ("name", "ended"), [("\x1b[31m[red]", None)])

    shown = capsys.readouterr().out
    assert "\\x1b[31m[red]" in shown
    assert "\x1b" not in shown
