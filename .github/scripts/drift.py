"""`drift.py look STACK` compares a stack with Azure and prints Markdown.
`drift.py tell STACK FILE` opens, updates or closes the one issue about it, as that text says.

The text's first line is `<!-- django-azure-blob drift STACK found -->`, or `none` for `found`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import secretless
from github import BOT, entries, fitted, send

# `secretless` has put the folder of `review` on the path.
from review.markdown import fenced
from review.report import drift


def look(stack: str) -> int:
    """Exit status 1 if the comparison failed, which is not drift."""
    preview = secretless.preview(stack, "--refresh")
    if preview.failure:
        print(f"Stack `{stack}` could not be compared with Azure.\n")
        print("\n".join(fenced(preview.failure)))
        return 1
    if not preview.changes_anything:
        print(f"{_first_line(stack, 'none')}\nStack `{stack}` is as main declares it.")
        return 0
    print(f"{_first_line(stack, 'found')}\nStack `{stack}` is not as main declares it.")
    print(
        "If the manual change was right, declare it and merge; if not, run the workflow Deploy, "
        "which reverts it.\n"
    )
    print(drift(preview), end="")
    return 0


def tell(stack: str, file: Path) -> int:
    text = file.read_text(encoding="utf-8", errors="replace")
    run = os.environ["RUN_URL"]
    issue = _open_issue(stack)
    if text.startswith(_first_line(stack, "none")):
        if issue is not None:
            send("POST", f"issues/{issue}/comments", body=f"[No drift any more]({run}).")
            send("PATCH", f"issues/{issue}", state="closed", state_reason="completed")
            print(f"Closed issue {issue}.")
        return 0
    if not text.startswith(_first_line(stack, "found")):
        print(f"{file} says neither that {stack} drifted nor that it did not", file=sys.stderr)
        return 1
    body = fitted(f"{text.rstrip()}\n\n[Last seen by this run]({run}).\n")
    if issue is not None:
        send("PATCH", f"issues/{issue}", body=body)
        print(f"Updated issue {issue}.")
        return 0
    made = send("POST", "issues", title=f"Drift: {stack} is not as main declares it", body=body)
    print(f"Opened issue {made['number']}.")
    return 0


def _open_issue(stack: str) -> int | None:
    first = _first_line(stack, "found")
    for each in entries("issues", state="open", creator=BOT):
        if (each["body"] or "").startswith(first):
            return int(each["number"])
    return None


def _first_line(stack: str, found: str) -> str:
    return f"<!-- django-azure-blob drift {stack} {found} -->"


if __name__ == "__main__":
    if sys.argv[1] == "look":
        sys.exit(look(sys.argv[2]))
    sys.exit(tell(sys.argv[2], Path(sys.argv[3])))
