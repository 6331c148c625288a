"""`preview.py STACK…`: previews each stack in Azure and prints one Markdown text for all of them.

Exit status 1 if a preview failed; the text says which, and why.
"""

from __future__ import annotations

import subprocess
import sys

from markdown import fenced, risks, summary

MARKER = "<!-- django-azure-blob preview -->"
# As the deployment itself runs it: Azure is looked at first.
OPTIONS = (
    *("--refresh", "--diff", "--non-interactive", "--color", "never"),
    *("--policy-pack", "policy"),
)


def main(stacks: list[str]) -> int:
    print(f"{MARKER}\n## What this changes in Azure")
    failed = [stack for stack in stacks if not _preview(stack)]
    return 1 if failed else 0


def _preview(stack: str) -> bool:
    done = subprocess.run(
        ["pulumi", "preview", "--stack", stack, *OPTIONS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    failed = done.returncode != 0
    counts = summary(done.stdout) or "nothing to compare"
    print(f"\n### `{stack}`: {'the preview failed' if failed else counts}\n")
    for risk in risks(done.stdout):
        print(f"- ⚠️ {risk}")
    # What failed is why somebody reads this, so it stands open.
    opened = "<details open>" if failed else "<details>"
    print(f"\n{opened}<summary>Property by property</summary>\n")
    print(f"{fenced(done.stdout, 'diff')}\n\n</details>")
    return not failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
