"""The process in which one mode runs one program, again and again: `python -m benchmarks.lane MODE LANGUAGE FOLDER`.

Answers `ready` once it is, and every `run` with wall seconds.
"""

import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.child import serve
from benchmarks.modes import MODES, Mode


def main(mode: str, language: str, folder: str) -> None:
    """Serve one mode."""
    with ExitStack() as stack:
        made: list[Mode] = []

        def answer(word: str) -> object:
            if word == "ready":
                made.append(stack.enter_context(MODES[mode](language, Path(folder))))
                return True
            return made[0].run()

        serve(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
