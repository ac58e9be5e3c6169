"""The golden packages of this folder; what a package is: `app/golden.py`."""

from pathlib import Path

from app import golden
from app.golden import Golden, differences

__all__ = ["FOLDER", "Golden", "differences", "load"]

FOLDER = Path(__file__).parent


def load(folder: Path = FOLDER) -> list[Golden]:
    """Read all packages."""
    return golden.load(folder)
