"""The picture of the figures: bars of seconds, one panel for each case, as SVG."""

from __future__ import annotations

from html import escape

from bench.competitors import COMPETITORS
from bench.results import Figure, Results
from bench.scenarios import CASES, FIRST, SCENARIOS, UNCHANGED
from bench.targets import number

_PANELS = (
    ("azurite-40ms", FIRST),
    ("azurite-40ms", UNCHANGED),
    ("null-5000", FIRST),
    ("null-5000", UNCHANGED),
)
_WHO = ("floor", "plain", "gzip", "hashed", "azcopy", "upload-batch", "collectfasta", "stock")
_OURS = {"plain", "gzip", "hashed"}
_WIDTH, _LABELS, _VALUES = 900, 300, 110
_BAR, _STEP, _HEAD, _MARGIN = 16, 24, 40, 16
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def render(results: Results) -> str:
    """Each panel is scaled to its longest bar."""
    body: list[str] = []
    y = _MARGIN
    for scenario, case in _PANELS:
        figures = {name: results.figure(scenario, name, case) for name in _WHO}
        shown = {name: figure for name, figure in figures.items() if figure}
        if shown:
            body += _panel(f"{SCENARIOS[scenario].title}: {CASES[case]}", shown, y)
            y += _HEAD + _STEP * len(shown) + _MARGIN
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' width='{_WIDTH}' "
        f"height='{y}' role='img' {_FONT} font-size='13'>\n"
        "<title>Seconds of a publish: medians, with lowest and highest</title>\n"
        f"<rect width='{_WIDTH}' height='{y}' fill='#ffffff'/>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _panel(title: str, figures: dict[str, Figure], top: int) -> list[str]:
    longest = max(figure.high for figure in figures.values())
    scale = (_WIDTH - _LABELS - _VALUES - _MARGIN) / longest
    parts = [
        f"<text x='{_MARGIN}' y='{top + 18}' font-size='15' font-weight='600' fill='#1f2328'>"
        f"{escape(title)}, seconds</text>"
    ]
    for place, (name, figure) in enumerate(figures.items()):
        y = top + _HEAD + place * _STEP
        colour = "#0969da" if name in _OURS else "#8c959f" if name == "floor" else "#d4a72c"
        width = max(figure.median * scale, 1)
        end = _LABELS + max(figure.high * scale, 1) + 6
        middle = y + _BAR / 2
        weight = " font-weight='600'" if name in _OURS else ""
        ink = f"fill='#1f2328'{weight}"
        low, high = _LABELS + figure.low * scale, _LABELS + figure.high * scale
        parts += [
            f"<text x='{_LABELS - 8}' y='{y + 13}' text-anchor='end' {ink}>"
            f"{escape(COMPETITORS[name].label)}</text>",
            f"<rect x='{_LABELS}' y='{y}' width='{width:.1f}' height='{_BAR}' fill='{colour}'/>",
            f"<line x1='{low:.1f}' x2='{high:.1f}' y1='{middle}' y2='{middle}' "
            "stroke='#1f2328' stroke-width='1.5'/>",
            f"<text x='{end:.1f}' y='{y + 13}' {ink}>{number(figure.median)}</text>",
        ]
    return parts
