"""`preview.py STACK…`: previews each stack in Azure and prints one Markdown text for all of them.

With `--plan FILE` it saves the plan of the one stack, for `deploy.py`. No secret is read or saved:
see `secretless`. Exit status 1 if a preview failed; the text says which, and why.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import secretless

# `secretless` has put the folder of `review` on the path.
from review.markdown import LIMIT
from review.report import report

MARKER = "<!-- django-azure-blob preview -->"
# As the deployment itself, a preview looks at Azure first.
OPTIONS = ("--refresh", "--policy-pack", "policy")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("stacks", nargs="+")
    parser.add_argument("--plan", type=Path)
    options = parser.parse_args(arguments)
    print(f"{MARKER}\n# What this changes in Azure")
    failed = False
    for stack in options.stacks:
        saving = ("--save-plan", str(options.plan)) if options.plan else ()
        preview = secretless.preview(stack, *OPTIONS, *saving)
        if options.plan and not preview.failure:
            secretless.publish(options.plan)
        _, _, text = report(preview, LIMIT // len(options.stacks)).partition("\n")
        print(f"\n{text}", end="")
        failed = failed or bool(preview.failure)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
