"""Line charts as SVG, both axes logarithmic (pure): two of them are too little to have a library for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, PLOT_W, PLOT_H = 820, 330, 84, 34, 480, 236
COLOURS = ("#1f5fa8", "#c1451d", "#2e7d4f", "#7b4fa3", "#8a6d00", "#444444")


@dataclass(frozen=True)
class Line:
    """One line of a chart: points above 0, from left to right."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """One chart."""

    title: str
    across: str
    lines: Sequence[Line]

    def svg(self, top: float) -> str:
        """Draw it below `top`."""
        across = _Axis.of([x for line in self.lines for x, _ in line.points])
        up = _Axis.of([y for line in self.lines for _, y in line.points])
        parts = [_text(LEFT, 18, self.title, "start", 14), *_frame(across, up)]
        parts.append(_text(LEFT + PLOT_W / 2, TOP + PLOT_H + 38, self.across, "middle"))
        for number, line in enumerate(self.lines):
            parts.append(_line(line, across, up, COLOURS[number % len(COLOURS)]))
            parts.append(_text(LEFT + PLOT_W + 38, TOP + 12 + 20 * number, line.name, "start"))
            parts.append(_stroke(line, COLOURS[number % len(COLOURS)], TOP + 8 + 20 * number))
        return f'<g transform="translate(0 {top:.0f})">{"".join(parts)}</g>'


@dataclass(frozen=True)
class _Axis:
    low: int
    """Powers of ten."""
    high: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Axis":
        low = math.floor(math.log10(min(values)))
        return cls(low, max(low + 1, math.ceil(math.log10(max(values)) - 1e-9)))

    def at(self, value: float) -> float:
        """Give the place of a value, 0 to 1."""
        return (math.log10(value) - self.low) / (self.high - self.low)


def draw(charts: Sequence[Chart]) -> str:
    """Draw charts, one below the other."""
    body = "".join(chart.svg(HEIGHT * number) for number, chart in enumerate(charts))
    size = f'width="{WIDTH}" height="{HEIGHT * len(charts)}" viewBox="0 0 {WIDTH} {HEIGHT * len(charts)}"'
    font = 'font-family="sans-serif" font-size="12"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>{ground}{body}</svg>\n'


def _place(across: _Axis, up: _Axis, point: tuple[float, float]) -> tuple[float, float]:
    return LEFT + PLOT_W * across.at(point[0]), TOP + PLOT_H * (1 - up.at(point[1]))


def _frame(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for power in range(across.low, across.high + 1):
        x, _ = _place(across, up, (10.0**power, 10.0**up.low))
        parts.append(f'<path d="M{x:.1f} {TOP}v{PLOT_H}" stroke="#ddd"/>')
        parts.append(_text(x, TOP + PLOT_H + 18, _number(power), "middle"))
    for power in range(up.low, up.high + 1):
        _, y = _place(across, up, (10.0**across.low, 10.0**power))
        parts.append(f'<path d="M{LEFT} {y:.1f}h{PLOT_W}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, _number(power), "end"))
    return parts


def _number(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def _line(line: Line, across: _Axis, up: _Axis, colour: str) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(across, up, point) for point in line.points))
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"{_dash(line)}/>'


def _stroke(line: Line, colour: str, y: float) -> str:
    return f'<path d="M{LEFT + PLOT_W + 10} {y}h22" stroke="{colour}" stroke-width="2"{_dash(line)}/>'


def _dash(line: Line) -> str:
    return ' stroke-dasharray="5 4"' if line.dashed else ""


def _text(x: float, y: float, words: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
