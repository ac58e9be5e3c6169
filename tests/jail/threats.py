"""Results of tests by threat: `python -m tests.jail.threats REPORT.xml...`.

Reads what pytest wrote with `--junitxml` and the table of `docs/threat-model.md`, and prints a Markdown table with a
column for each report: how many of the tests that the document names for a threat passed, failed, or did not run there.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TREE = Path(__file__).parents[2]
DOCUMENT = TREE / "docs" / "threat-model.md"
_ROW = re.compile(r"^\| (\d+[a-z]?) \| (.*?) \|.*\| (.*?) \|$", re.MULTILINE)
_FILE = re.compile(r"`([a-z0-9_/]+\.py)(?:\[(\w+)\])?`((?::|,)(?: `test_\w+`,?)+)?")
_FUNCTION = re.compile(r"`(test_\w+)`")


@dataclass(frozen=True)
class Named:
    """Tests that the document names: those functions of a file, or all; of a golden package, those of its name."""

    file: str
    functions: tuple[str, ...] = ()
    package: str = ""

    def means(self, module: str, name: str) -> bool:
        """Whether this is one of them: `tests.jail.test_box`, `test_modes_are_kept[cgroup]`."""
        function, _, parameters = name.partition("[")
        return (
            module == "tests." + self.file.removesuffix(".py").replace("/", ".")
            and (not self.functions or function in self.functions)
            and parameters.startswith(self.package)
        )


@dataclass(frozen=True)
class Threat:
    """A line of the table."""

    number: str
    """`28`, or `28b` for one that came later and is of its kind."""
    tried: str
    tests: tuple[Named, ...]


def threats(text: str) -> list[Threat]:
    """Read the document's table."""
    return [Threat(number, tried, tuple(_named(cell))) for number, tried, cell in _ROW.findall(text)]


def _named(cell: str) -> Iterator[Named]:
    for file, package, functions in _FILE.findall(cell):
        if Path(file).name.startswith("test_"):
            yield Named(file, tuple(_FUNCTION.findall(functions)), package)


def results(report: Path) -> Iterator[tuple[str, str, str]]:
    """Give module, name and outcome (`passed`, `failed`, `skipped`) of every test in a report."""
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - what our own pytest wrote
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        yield case.get("classname", ""), case.get("name", ""), outcome


def outcome(threat: Threat, found: Sequence[tuple[str, str, str]]) -> str:
    """Say in a word or two what became of a threat's tests."""
    ended = [end for module, name, end in found if any(named.means(module, name) for named in threat.tests)]
    counts = [f"{ended.count(end)} {end}" for end in ("passed", "failed", "skipped") if end in ended]
    return ", ".join(counts) or "not run"


def main(reports: Sequence[Path]) -> str:
    """Give the table."""
    columns = [list(results(report)) for report in reports]
    heads = ["#", "what is tried", *(report.stem for report in reports)]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for threat in threats(DOCUMENT.read_text()):
        cells = [threat.number, threat.tried, *(outcome(threat, found) for found in columns)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(main([Path(argument) for argument in sys.argv[1:]]))  # noqa: T201 - what it is for
