"""What is asked of the blob service, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azureblob.publishing.body import EMPTY, Body


@dataclass(slots=True)
class Request:
    """`blob` is the name, unencoded; empty for the container itself. `tag` is the caller's own."""

    method: str
    blob: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = EMPTY
    tag: Any = None
    attempts: int = 0


@dataclass(slots=True)
class Answer:
    """`status` 0 means that none came, and `failure` says why. Header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The service's own word for what went wrong, such as `ServerBusy`."""
        return self.headers.get("x-ms-error-code", "")

    @property
    def reason(self) -> str:
        """For a person; no header and no address in it."""
        if not self.status:
            return self.failure
        return f"{self.code} (status {self.status})" if self.code else f"status {self.status}"
