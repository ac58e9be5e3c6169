"""Write all dashboards into a folder: that of the role, unless another is named."""

import sys
from pathlib import Path

from monitoring.boards import BOARDS
from monitoring.drawing import FOLDER, drawn


def main(folder: Path = FOLDER) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        (folder / f"{board.uid}.json").write_text(drawn(board))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
