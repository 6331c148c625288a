"""The part of GitHub's API that comments and issues need, with the standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

# The author of comments that are made with a workflow's own token.
BOT = "github-actions[bot]"


class Api:
    """The API of the workflow's repository. The token is never printed."""

    def __init__(self) -> None:
        self._root = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}"
        self._token = os.environ["GH_TOKEN"]

    def all(self, path: str, **query: str) -> Iterator[Any]:
        """All entries of a list, from all pages."""
        page = 1
        while True:
            asked = urlencode({**query, "per_page": "100", "page": str(page)})
            entries = self._send("GET", f"{path}?{asked}")
            yield from entries
            if len(entries) < 100:
                return
            page += 1

    def create(self, path: str, **body: object) -> Any:
        return self._send("POST", path, body)

    def change(self, path: str, **body: object) -> Any:
        return self._send("PATCH", path, body)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        request = Request(  # noqa: S310 - the runner sets the address
            f"{self._root}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            return json.load(response)
