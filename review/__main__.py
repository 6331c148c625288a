"""`pulumi preview --json --show-sames | python -m review`: the preview as Markdown."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path

from review.markdown import LIMIT
from review.preview import Preview
from review.report import drift, report


def main(arguments: list[str] | None = None) -> int:
    """Exit status 2 if the input is not a preview's JSON."""
    parser = argparse.ArgumentParser(prog="python -m review", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="the JSON; default: standard input")
    parser.add_argument("--stack", default="", help="its name, for a preview without resources")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"characters; default: {LIMIT}")
    parser.add_argument("--drift", action="store_true", help="Azure compared with the program")
    options = parser.parse_args(arguments)
    # Bytes, because JSON is UTF-8 in every locale.
    content = options.file.read_bytes() if options.file else sys.stdin.buffer.read()
    try:
        preview = Preview.from_json(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        print("error: this is not the JSON of `pulumi preview --json`", file=sys.stderr)
        return 2
    preview.stack = preview.stack or options.stack
    write = drift if options.drift else report
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(write(preview, options.limit), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
