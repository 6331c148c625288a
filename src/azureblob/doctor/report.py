"""The findings for people, and for machines."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from azureblob.doctor.results import Finding, State

_WORDS = {State.PASS: "pass", State.WARN: "warn", State.FAIL: "FAIL", State.SKIP: "skip"}
_ID_WIDTH = 21
_NARROW = 60
_INDENT = "      "

Paint = Callable[[State, str], str]


def healthy(findings: Sequence[Finding]) -> bool:
    return all(finding.state is not State.FAIL for finding in findings)


class Table:
    """A row for each finding, its fix below it. What was not tried for one reason has one row."""

    def __init__(self, columns: int, paint: Paint) -> None:
        self._columns, self._paint = columns, paint
        self._skipped: list[Finding] = []

    def lines(self, finding: Finding) -> Iterator[str]:
        """Those that can be printed, now that this one is known."""
        if self._skipped and finding.detail != self._skipped[0].detail:
            yield from self.rest()
        if finding.state is State.SKIP:
            self._skipped.append(finding)
        else:
            yield from self._row(finding.state, finding.id, _text(finding))
            yield from self._mended(finding)

    def rest(self) -> Iterator[str]:
        skipped, self._skipped = self._skipped, []
        if len(skipped) == 1:
            yield from self._row(State.SKIP, skipped[0].id, _text(skipped[0]))
        elif skipped:
            ids = ", ".join(dict.fromkeys(finding.id for finding in skipped))
            yield from self._row(State.SKIP, f"{len(skipped)} more", f"{skipped[0].detail}: {ids}")

    def _row(self, state: State, name: str, text: str) -> Iterator[str]:
        word = self._paint(state, _WORDS[state])
        if self._columns < _NARROW:
            yield f"{word}  {name}"
            yield from _wrapped(text, self._columns, "  ")
            return
        first, *rest = _wrapped(text, self._columns, " " * (len(_INDENT) + _ID_WIDTH + 1))
        yield f"{word}  {name:<{_ID_WIDTH}} {first.lstrip()}"
        yield from rest

    def _mended(self, finding: Finding) -> Iterator[str]:
        """Commands stand alone and whole, so that they can be copied."""
        indent = "  " if self._columns < _NARROW else _INDENT
        if finding.fix:
            yield from _wrapped(finding.fix, self._columns, indent)
        yield from (f"{indent}    {command}" for command in finding.commands)


def _text(finding: Finding) -> str:
    """Findings with a subject that their detail does not tell get it in front."""
    if finding.subject and finding.subject not in finding.detail:
        return f"{finding.subject}: {finding.detail}"
    return finding.detail


def _wrapped(text: str, columns: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(columns, len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def closing(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    told = [f"{counts[State.PASS]} passed", f"{counts[State.FAIL]} failed"]
    if counts[State.WARN]:
        told.append(f"{counts[State.WARN]} to look at")
    if counts[State.SKIP]:
        told.append(f"{counts[State.SKIP]} not tried")
    return ", ".join(told) + "."


def as_json(findings: Sequence[Finding], endpoint: str) -> str:
    return json.dumps(
        {
            "healthy": healthy(findings),
            "endpoint": endpoint,
            "findings": [asdict(finding) for finding in findings],
        },
        indent=2,
        ensure_ascii=False,
    )
