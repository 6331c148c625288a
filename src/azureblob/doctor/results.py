"""Probes and their results, printed as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from azureblob.advice import Steps


class State(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Result:
    """`id` is stable; `subject` distinguishes repeated probes, such as those of each origin. `fix`
    is a sentence, and `commands` are what to type, each complete. None of it holds a secret."""

    id: str
    state: State
    detail: str
    subject: str = ""
    fix: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """`run` returns what was seen if all is well, and raises ProbeFailed or a subclass otherwise.
    A probe is skipped if one of those that it `needs` failed or was skipped. `seconds` limits its
    few requests together."""

    id: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()
    subject: str = ""
    seconds: float = 4.0


class ProbeFailed(Exception):
    """A probe did not pass: what was seen, and what to do, as a sentence and commands or as the
    site's advice."""

    state = State.FAIL

    def __init__(self, detail: str, fix: str | Steps = "", *commands: str) -> None:
        super().__init__(detail)
        steps = fix if isinstance(fix, Steps) else Steps(fix, commands)
        self.detail, self.fix, self.commands = detail, steps.text, steps.commands


class ProbeWarning(ProbeFailed):
    """The site works, but not as it should."""

    state = State.WARN


class ProbeSkipped(ProbeFailed):
    """There is nothing to try."""

    state = State.SKIP


def healthy(results: Sequence[Result]) -> bool:
    return all(result.state is not State.FAIL for result in results)


def closing_line(results: Sequence[Result]) -> str:
    counts = Counter(result.state for result in results)
    parts = [f"{counts[State.PASS]} passed", f"{counts[State.FAIL]} failed"]
    if counts[State.WARN]:
        parts.append(f"{counts[State.WARN]} with warnings")
    if counts[State.SKIP]:
        parts.append(f"{counts[State.SKIP]} skipped")
    return ", ".join(parts) + "."


def as_json(results: Sequence[Result], endpoint: str) -> str:
    """The names of the keys are documented, so programs may rely on them."""
    return json.dumps(
        {
            "healthy": healthy(results),
            "endpoint": endpoint,
            "findings": [asdict(result) for result in results],
        },
        indent=2,
        ensure_ascii=False,
    )


# --- The table ------------------------------------------------------------------------------------

_WORDS = {State.PASS: "pass", State.WARN: "warn", State.FAIL: "FAIL", State.SKIP: "skip"}
_ID_WIDTH = 21
_NARROW_COLUMNS = 60
_INDENT = "      "

Paint = Callable[[State, str], str]


class Table:
    """A row for each result, with the fix below it. Probes skipped for the same reason share a
    row."""

    def __init__(self, columns: int, paint: Paint) -> None:
        self._columns, self._paint = columns, paint
        self._skipped: list[Result] = []

    def lines(self, result: Result) -> Iterator[str]:
        """The lines that can be printed now that this result is known."""
        if self._skipped and result.detail != self._skipped[0].detail:
            yield from self.rest()
        if result.state is State.SKIP:
            self._skipped.append(result)
        else:
            yield from self._row(result.state, result.id, _text(result))
            yield from self._fix(result)

    def rest(self) -> Iterator[str]:
        """The lines that were held back, once no further result follows."""
        skipped, self._skipped = self._skipped, []
        if len(skipped) == 1:
            yield from self._row(State.SKIP, skipped[0].id, _text(skipped[0]))
        elif skipped:
            ids = ", ".join(dict.fromkeys(result.id for result in skipped))
            yield from self._row(State.SKIP, f"{len(skipped)} more", f"{skipped[0].detail}: {ids}")

    def _row(self, state: State, name: str, text: str) -> Iterator[str]:
        word = self._paint(state, _WORDS[state])
        if self._columns < _NARROW_COLUMNS:
            yield f"{word}  {name}"
            yield from _wrapped(text, self._columns, "  ")
            return
        first, *rest = _wrapped(text, self._columns, " " * (len(_INDENT) + _ID_WIDTH + 1))
        yield f"{word}  {name:<{_ID_WIDTH}} {first.lstrip()}"
        yield from rest

    def _fix(self, result: Result) -> Iterator[str]:
        """Each command has a line of its own and is never wrapped, so that it can be copied."""
        indent = "  " if self._columns < _NARROW_COLUMNS else _INDENT
        if result.fix:
            yield from _wrapped(result.fix, self._columns, indent)
        yield from (f"{indent}    {command}" for command in result.commands)


def _text(result: Result) -> str:
    if result.subject and result.subject not in result.detail:
        return f"{result.subject}: {result.detail}"
    return result.detail


def _wrapped(text: str, columns: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(columns, len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
