"""A plot of what ended in each second, drawn with characters, the faults marked below (pure)."""

from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
HEIGHT = 6
WIDTH = 100
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def per_second(times: Sequence[float]) -> list[int]:
    """Count what ended in each second."""
    found = [0] * (int(max(times, default=0)) + 1)
    for time in times:
        if time >= 0:
            found[int(time)] += 1
    return found


def plot(times: Sequence[float], marks: Sequence[tuple[float, str]]) -> str:
    """Draw the rate over time. Each mark is a moment and what happened then."""
    seconds = per_second(times)
    step = max(1, -(-len(seconds) // WIDTH))
    bars = [sum(seconds[at : at + step]) / len(seconds[at : at + step]) for at in range(0, len(seconds), step)]
    most = max(*bars, 1)
    rows = [_row(bars, most, level) for level in reversed(range(HEIGHT))]
    head = f"ended per second, at most {most:.0f}; a column is {step} s"
    return "\n".join(
        [head, *(f"|{row}" for row in rows), f"+{'-' * len(bars)}", f" {_line(marks, step, len(bars))}", *_key(marks)]
    )


def _row(bars: Sequence[float], most: float, level: int) -> str:
    eighths = [round(bar / most * HEIGHT * 8) - level * 8 for bar in bars]
    return "".join(BLOCKS[min(8, max(0, each))] for each in eighths)


def _line(marks: Sequence[tuple[float, str]], step: int, width: int) -> str:
    """Put a letter below each moment; where two meet the later is put beside."""
    line = [" "] * (width + len(marks))
    for (moment, _), letter in zip(marks, LETTERS, strict=False):
        place = min(int(moment / step), width - 1)
        while line[place] != " ":
            place += 1
        line[place] = letter
    return "".join(line).rstrip()


def _key(marks: Sequence[tuple[float, str]]) -> list[str]:
    words = [f"{letter} {what} ({moment:.0f} s)" for (moment, what), letter in zip(marks, LETTERS, strict=False)]
    return [" " + "  ".join(words[at : at + 4]) for at in range(0, len(words), 4)]
