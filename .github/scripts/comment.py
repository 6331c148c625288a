"""`comment.py FILE`: posts a preview's Markdown to its pull request, or edits the existing comment.

The file was written by code that nobody has reviewed, so it is only data. Where it is posted is
decided by the environment, which comes from GitHub's own event.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from github import BOT, Api

sys.path.append(str(Path(__file__).resolve().parents[2]))

from review.markdown import cut, without_mentions

MARKER = "<!-- django-azure-blob preview -->"


def main(file: Path) -> int:
    api = Api()
    pull_request = _pull_request(api)
    if pull_request is None:
        print("No open pull request has this commit as its head: a newer run will comment.")
        return 0
    body = _body(file)
    comments = f"issues/{pull_request}/comments"
    for comment in api.all(comments):
        if comment["user"]["login"] == BOT and comment["body"].startswith(MARKER):
            api.change(f"issues/comments/{comment['id']}", body=body)
            print(f"Edited the comment of pull request {pull_request}.")
            return 0
    api.create(comments, body=body)
    print(f"Commented on pull request {pull_request}.")
    return 0


def _pull_request(api: Api) -> int | None:
    """The open pull request whose head is the commit that was previewed.

    For a fork the event names no pull request, and another branch may have the same name.
    """
    repository, sha = os.environ["HEAD_REPOSITORY"], os.environ["HEAD_SHA"]
    head = f"{repository.partition('/')[0]}:{os.environ['HEAD_BRANCH']}"
    for each in api.all("pulls", state="open", head=head):
        source: Any = each["head"]["repo"] or {}
        if each["head"]["sha"] == sha and source.get("full_name") == repository:
            return int(each["number"])
    return None


def _body(file: Path) -> str:
    run = os.environ["RUN_URL"]
    text = ""
    if file.is_file() and not file.is_symlink():
        with file.open("rb") as opened:
            text = opened.read(2_000_000).decode(errors="replace")
    _, found, preview = text.partition(MARKER)
    if not found:
        preview = "\nThe preview failed before it had anything to say."
    where = f"[The run]({run}) of commit {os.environ['HEAD_SHA'][:7]}."
    note = f"The rest is cut off: [the run]({run}) has all of it in its summary."
    return cut(without_mentions(f"{MARKER}{preview.rstrip()}\n\n{where}\n"), note)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
