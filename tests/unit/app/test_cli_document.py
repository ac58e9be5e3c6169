"""docs/cli.md says what the command does."""

import pytest

from app import cli_document
from app.cli import main
from app.cli_exits import MEANINGS, Exit
from domain.settings import TREE

COMMANDS = [words for words, _ in cli_document.leaves(main, ("shipd",))]


def test_the_page_is_that_of_the_commands() -> None:
    page = (TREE / "docs" / "cli.md").read_text()

    assert page == cli_document.markdown(), "run: python -m app.cli_document > docs/cli.md"


def test_every_command_and_every_exit_code_stands_there() -> None:
    page = cli_document.markdown()

    assert len(COMMANDS) > 20
    assert all(f"## {' '.join(words)}\n" in page for words in COMMANDS)
    assert set(MEANINGS) == set(Exit)
    assert all(f"| {code.value} | {meaning} |" in page for code, meaning in MEANINGS.items())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_json_and_says_what_it_does(words: tuple[str, ...]) -> None:
    command = dict(cli_document.leaves(main, ("shipd",)))[words]

    assert words == ("shipd", "completion") or "as_json" in {parameter.name for parameter in command.params}
    assert command.help
