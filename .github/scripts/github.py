"""The part of GitHub's API that comments and issues need, with the standard library only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

sys.path.append(str(Path(__file__).resolve().parents[2]))

from review.markdown import cut

# The author of comments that are made with a workflow's own token.
BOT = "github-actions[bot]"


def send(method: str, path: str, **body: object) -> Any:
    """The answer for a path of the workflow's repository. The token is never printed."""
    request = Request(  # noqa: S310 - the runner sets the address
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GH_TOKEN']}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urlopen(request, timeout=30) as response:  # noqa: S310 - as above
        return json.load(response)


def entries(path: str, **query: str) -> Iterator[Any]:
    """All entries of a list, from all pages."""
    for page in count(1):
        asked = urlencode({**query, "per_page": "100", "page": str(page)})
        found = send("GET", f"{path}?{asked}")
        yield from found
        if len(found) < 100:
            return


def fitted(text: str) -> str:
    """The text, cut to what GitHub accepts in a comment or an issue."""
    run = os.environ["RUN_URL"]
    return cut(text, f"The rest is cut off: [the run]({run}) has all of it in its summary.")
