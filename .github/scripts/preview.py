"""`preview.py STACK…`: previews each stack in Azure and prints one Markdown text for all of them.

With `--plan FILE` it saves the plan of the one stack, for `deploy.py`. No secret is read or saved:
see `secretless`. Exit status 1 if a preview failed; the text says which, and why.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import secretless
from markdown import fenced, risks, summary

MARKER = "<!-- django-azure-blob preview -->"
# As the deployment itself runs it: Azure is looked at first.
OPTIONS = (
    *("--refresh", "--diff", "--non-interactive", "--color", "never"),
    *("--policy-pack", "policy"),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("stacks", nargs="+")
    parser.add_argument("--plan", type=Path)
    options = parser.parse_args(arguments)
    print(f"{MARKER}\n## What this changes in Azure")
    failed = [stack for stack in options.stacks if not _preview(stack, options.plan)]
    return 1 if failed else 0


def _preview(stack: str, plan: Path | None) -> bool:
    failed, text = _previewed(stack, plan)
    counts = summary(text) or "nothing to compare"
    print(f"\n### `{stack}`: {'the preview failed' if failed else counts}\n")
    for risk in risks(text):
        print(f"- ⚠️ {risk}")
    # What failed is why somebody reads this, so it stands open.
    opened = "<details open>" if failed else "<details>"
    print(f"\n{opened}<summary>Property by property</summary>\n")
    print(f"{fenced(text, 'diff')}\n\n</details>")
    return not failed


def _previewed(stack: str, plan: Path | None) -> tuple[bool, str]:
    """Whether it failed, and what Pulumi said."""
    try:
        saving = ("--save-plan", str(plan)) if plan else ()
        done = secretless.preview(stack, *OPTIONS, *saving)
    except secretless.CopyFailed as error:
        return True, str(error)
    if plan and done.returncode == 0:
        secretless.publish(plan)
    return done.returncode != 0, done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
