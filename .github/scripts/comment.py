"""`comment.py FILE`: posts a preview's Markdown to its pull request, or edits the existing comment.

The file was written by code that nobody has reviewed, so it is only data. Where it is posted is
decided by the environment, which comes from GitHub's own event.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from github import BOT, entries, fitted, send

# `github` has put the folder of `review` on the path.
from review.markdown import without_mentions

MARKER = "<!-- django-azure-blob preview -->"


def main(file: Path) -> int:
    pull_request = _pull_request()
    if pull_request is None:
        print("No open pull request has this commit as its head: a newer run will comment.")
        return 0
    body = _body(file)
    comments = f"issues/{pull_request}/comments"
    for comment in entries(comments):
        if comment["user"]["login"] == BOT and comment["body"].startswith(MARKER):
            send("PATCH", f"issues/comments/{comment['id']}", body=body)
            print(f"Edited the comment of pull request {pull_request}.")
            return 0
    send("POST", comments, body=body)
    print(f"Commented on pull request {pull_request}.")
    return 0


def _pull_request() -> int | None:
    """The open pull request whose head is the commit that was previewed.

    For a fork the event names no pull request, and another branch may have the same name.
    """
    repository, sha = os.environ["HEAD_REPOSITORY"], os.environ["HEAD_SHA"]
    head = f"{repository.partition('/')[0]}:{os.environ['HEAD_BRANCH']}"
    for each in entries("pulls", state="open", head=head):
        source: Any = each["head"]["repo"] or {}
        if each["head"]["sha"] == sha and source.get("full_name") == repository:
            return int(each["number"])
    return None


def _body(file: Path) -> str:
    text = ""
    if file.is_file() and not file.is_symlink():
        with file.open("rb") as opened:
            text = opened.read(2_000_000).decode(errors="replace")
    _, found, preview = text.partition(MARKER)
    if not found:
        preview = "\nThe preview failed before it had anything to say."
    where = f"[The run]({os.environ['RUN_URL']}) of commit {os.environ['HEAD_SHA'][:7]}."
    return fitted(without_mentions(f"{MARKER}{preview.rstrip()}\n\n{where}\n"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
