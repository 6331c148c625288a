"""What a probe found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from azureblob.advice import Steps


class State(StrEnum):
    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """`id` is stable; `subject` tells apart what is tried several times, such as origins. `fix` is
    a sentence, and `commands` what to type then, each whole. No secret is in any of it."""

    id: str
    state: State
    detail: str
    subject: str = ""
    fix: str = ""
    commands: tuple[str, ...] = ()


class Failed(Exception):
    """A probe failed: what was seen, and what fixes it, in words or as a site's advice."""

    state = State.FAIL

    def __init__(self, detail: str, fix: str | Steps = "", *commands: str) -> None:
        super().__init__(detail)
        steps = fix if isinstance(fix, Steps) else Steps(fix, commands)
        self.detail, self.fix, self.commands = detail, steps.text, steps.commands


class Warned(Failed):
    """The site works, and not as it should."""

    state = State.WARN


class Skipped(Failed):
    """There is nothing to try."""

    state = State.SKIP
