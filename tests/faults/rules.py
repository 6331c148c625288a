"""Which requests a fault befalls, and what it does to them. The same seed gives the same faults."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class Fault(StrEnum):
    NONE = "none"
    # The connection breaks before the server has heard of the request.
    RESET = "reset"
    # The server has done the work, and the connection breaks instead of an answer.
    LOST = "lost"
    # The request is taken and nothing comes back until the client gives up.
    HANG = "hang"
    # The answer ends in the middle of its headers, or of its body if it has one.
    CUT_HEAD = "cut-head"
    CUT_BODY = "cut-body"
    # The answer comes a byte at a time, for ever so long: all of it, or its body only.
    TRICKLE = "trickle"
    TRICKLE_BODY = "trickle-body"


_CODES = {
    403: "AuthorizationPermissionMismatch",
    408: "RequestTimeout",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "ServerBusy",
    504: "OperationTimedOut",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Of the requests with this `method`, `path` (a glob over the decoded path, which begins with
    `/ACCOUNT/CONTAINER/`) and `comp` (None is any, "" is none), those that every selector picks.

    Selectors: each `every`-th; the `first` ones of each method, path and comp; those whose index
    (from 0) is in `at`; a share of `probability`. What happens: `delay` (ms), then `fault`, or an
    answer of the proxy's own with `status`, `code` and `retry_after` (seconds).
    """

    method: str = "*"
    path: str = "*"
    comp: str | None = None
    every: int = 1
    first: int | None = None
    at: frozenset[int] | None = None
    probability: float = 1.0
    delay: float = 0.0
    fault: Fault = Fault.NONE
    status: int = 0
    code: str = ""
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.status and self.fault is not Fault.NONE:
            raise ValueError(f"status={self.status} and fault={self.fault}: a rule has one of them")
        if self.every < 1 or not 0 <= self.probability <= 1:
            raise ValueError("every is 1 or more, probability is between 0 and 1")

    @classmethod
    def parse(cls, text: str) -> Rule:
        """`PUT */css/* comp=block first=2 status=503 retry_after=1`; at=3,7 for several."""
        words = text.split()
        named = dict(word.split("=", 1) for word in words if "=" in word)
        plain = [word for word in words if "=" not in word]
        if len(plain) > 2 or named.keys() - _READERS.keys():
            raise ValueError(f"{text!r}: METHOD PATH, then any of {', '.join(_READERS)}")
        values = {name: _READERS[name](value) for name, value in named.items()}
        return cls(**{**dict(zip(("method", "path"), plain, strict=False)), **values})

    @property
    def error_code(self) -> str:
        return self.code or _CODES.get(self.status, "Unknown")

    def concerns(self, method: str, path: str, comp: str) -> bool:
        return (
            self.method in {"*", method}
            and self.comp in {None, comp}
            and fnmatchcase(path, self.path)
        )


_READERS: dict[str, Callable[[str], Any]] = {
    "comp": str,
    "every": int,
    "first": int,
    "at": lambda text: frozenset(map(int, text.split(","))),
    "probability": float,
    "delay": float,
    "fault": Fault,
    "status": int,
    "code": str,
    "retry_after": int,
}


class Plan:
    """The rules with what they have counted so far."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        self.rules = tuple(rules)
        self._seed = seed
        self._seen = [0] * len(self.rules)
        self._of_blob: list[Counter[tuple[str, str, str]]] = [Counter() for _ in self.rules]

    def verdict(self, method: str, path: str, comp: str) -> Rule:
        """What happens to this request: the first rule's fault that picks it, and the delays of
        all that do."""
        picked = [
            rule
            for number, rule in enumerate(self.rules)
            if rule.concerns(method, path, comp) and self._picks(number, rule, (method, path, comp))
        ]
        fault = next((r for r in picked if r.status or r.fault is not Fault.NONE), Rule())
        return dataclasses.replace(fault, delay=sum(rule.delay for rule in picked))

    def _picks(self, number: int, rule: Rule, key: tuple[str, str, str]) -> bool:
        index, again = self._seen[number], self._of_blob[number][key]
        self._seen[number] += 1
        self._of_blob[number][key] += 1
        if (index + 1) % rule.every:
            return False
        if rule.first is not None and again >= rule.first:
            return False
        if rule.at is not None and index not in rule.at:
            return False
        # By the request and not by the order of arrival, which differs between runs.
        dice = random.Random(f"{self._seed} {number} {key} {again}")  # noqa: S311
        return rule.probability >= 1 or dice.random() < rule.probability
